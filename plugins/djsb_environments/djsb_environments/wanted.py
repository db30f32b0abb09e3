"""The environment that a job's settings ask for: checked, and keyed by what decides it."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from djsb.config.problems import describe_errors
from djsb_core.discovery import load_component
from djsb_core.errors import ComponentError, RequestError
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import paths_of
from djsb_core.machine.installed import snapshot
from djsb_core.masking import Masker
from djsb_environments.metadata import missing_here, needs_of
from djsb_environments.settings import Asked, EnvironmentSettingsError, asked_for
from djsb_environments.venvs import find_uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from djsb_core.discovery import ComponentInfo
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.environment import Environment, EnvironmentConfig
    from djsb_core.interfaces.paths import PathContext
    from djsb_core.machine.installed import Snapshot

__all__ = [
    "ENVIRONMENT_KEYS",
    "EnvironmentSettingsError",
    "WantedEnvironment",
    "wanted_environment",
]

SHORT = 12
"""Digits of a key that are shown, as in ``djsb env ls``."""

FORMAT = 1
"""Of the key; another one makes every environment anew."""


@dataclass(frozen=True)
class WantedEnvironment:
    """One environment, there already or to be made."""

    manager: str
    environment: Environment[Any]
    """The configured component of the manager."""
    label: str
    """For messages and listings: its name, or ``vbench_video_evaluator (uv)``."""
    requirements: tuple[str, ...]
    """All to install: what djsb and the packages of hook and component need, and the config's."""
    constraints: tuple[str, ...]
    distributions: tuple[str, ...]
    """djsb-core and plugins, whose code is linked, not installed."""
    key: str
    """Digest of everything that decides what is made; of an existing one, of its folder."""
    notes: tuple[str, ...]
    existing: Path | None = None
    """Folder of an environment that is not ours."""

    @property
    def name(self) -> str:
        """Label and key, by which ``djsb env`` knows it; an existing one has its folder."""
        if self.existing is not None:
            return (
                self.label if self.label == str(self.existing) else f"{self.label} {self.existing}"
            )
        return f"{self.label} {self.key[:SHORT]}"


def wanted_environment(
    settings: Mapping[str, Any] | None,
    infos: Sequence[ComponentInfo],
    component: type[AnyComponent] | None,
    context: PathContext,
) -> WantedEnvironment | None:
    """Return the environment that ``extra_configs`` ask for; ``None``: the current one.

    :param infos: of the job's hook and of its component, the component's last
    :raises EnvironmentSettingsError: with every problem, each with its place in ``extra_configs``
    """
    asked = asked_for(settings or {})
    if asked is None:
        return None
    now = snapshot()
    packages = tuple(dict.fromkeys(info.package for info in infos if info.version))
    distributions, needed = needs_of(packages, now)
    if asked.auto:
        recipe = dict(component.isolated) if component is not None else {}
        if _can_stay(recipe, [text for text, _ in needed], now):
            return None
        asked.manager = recipe.pop("manager", None)
        asked.values = recipe
        asked.places = dict.fromkeys(recipe, ("env",))
    manager = asked.manager or ("uv" if find_uv() else "venv")
    environment, existing = _choose(manager, asked, context)
    config: EnvironmentConfig = environment.config
    return WantedEnvironment(
        manager=manager,
        environment=environment,
        label=_label(manager, asked, config, infos),
        requirements=tuple(dict.fromkeys((*(text for text, _ in needed), *config.requirements))),
        constraints=config.constraints,
        distributions=distributions,
        key=_key(manager, environment, needed, asked.published_name, existing),
        notes=tuple(asked.notes) if existing is None else (),
        existing=existing,
    )


def _can_stay(recipe: Mapping[str, Any], needed: Sequence[str], now: Snapshot) -> bool:
    """Tell whether the current environment has what a component needs."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}."
    wanted = str(recipe.get("python") or here)
    listed = recipe.get("requirements", ())
    if not isinstance(listed, list | tuple):  # a file's path: only a new environment can tell
        return False
    return f"{wanted}.".startswith(here) and not missing_here((*needed, *listed), now)


def _choose(
    manager: str, asked: Asked, context: PathContext
) -> tuple[Environment[Any], Path | None]:
    """Return the configured manager, and the folder of the environment if it is there already.

    :raises EnvironmentSettingsError: with every problem
    """
    try:
        kind: Any = load_component(Kind.ENVIRONMENT, manager)
    except RequestError as error:
        raise EnvironmentSettingsError([(asked.manager_place, str(error))]) from error
    if asked.published_name is not None:
        named = Asked(manager, {"name": asked.published_name}, {}, asked.manager_place)
        with suppress(EnvironmentSettingsError):
            return _find(kind, named, context)
        if "file" in asked.values and "file" not in kind.config_type.model_fields:
            # That of uv, venv and virtualenv is one of requirements.
            asked.values["requirements"] = asked.values.pop("file")
            asked.places["requirements"] = asked.places.pop("file")
    return _find(kind, asked, context)


def _find(kind: Any, asked: Asked, context: PathContext) -> tuple[Environment[Any], Path | None]:  # noqa: ANN401 (a manager's class)
    """Configure a manager and let it look up what the settings name.

    :raises EnvironmentSettingsError: with every problem
    """
    if kind.names_are_folders and "name" in asked.values:
        asked.values["path"] = asked.values.pop("name")
        asked.places["path"] = asked.places.pop("name", ("env_name",))
    try:
        config = kind.config_type.model_validate(asked.values, context=context)
        environment: Environment[Any] = kind(config)
        return environment, environment.find()
    except ValidationError as error:
        found = describe_errors(error, kind.config_type, asked.values)
        masker = Masker.of(None)  # addresses of packages may hold passwords
        problems = [(asked.place(one.location), masker.text(one.sentence)) for one in found]
        raise EnvironmentSettingsError(problems) from error
    except ComponentError as error:
        key = next((key for key in ("name", "path") if key in asked.values), "name")
        raise EnvironmentSettingsError([(asked.place((key,)), str(error))]) from error


def _label(
    manager: str, asked: Asked, config: EnvironmentConfig, infos: Sequence[ComponentInfo]
) -> str:
    if asked.published_name is not None:
        return asked.published_name
    if config.name is not None or config.path is not None:
        return config.name or str(config.path)
    return f"{infos[-1].name} ({manager})" if infos else manager


def _key(
    manager: str,
    environment: Environment[Any],
    needed: Sequence[tuple[str, str]],
    name: str | None,
    existing: Path | None,
) -> str:
    parts: dict[str, Any]
    if existing is not None:
        parts = {"existing": str(existing.absolute()), "manager": manager}
    else:
        config: EnvironmentConfig = environment.config
        parts = {
            "format": FORMAT,
            "manager": manager,
            "name": name,
            "settings": config.model_dump(mode="json"),
            "files": {str(path): _digest(path) for path in paths_of(config, writes=False)},
            "needed": sorted(text for text, _ in needed),
            "python": config.python or f"{sys.version_info.major}.{sys.version_info.minor}",
            "platform": sysconfig.get_platform(),
        }
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
