"""The environment that a job's settings ask for: checked, and keyed by what decides it."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from djsb_core.api import (
    ComponentError,
    EnvironmentSettingsError,
    Kind,
    Masker,
    RequestError,
    WantedEnvironment,
    load_component,
    paths_of,
    snapshot,
)
from djsb_environments.metadata import missing_here, needs_of, refuse_python
from djsb_environments.settings import Asked, asked_for
from djsb_environments.venvs import find_uv

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from djsb_core.api import (
        AnyComponent,
        ComponentInfo,
        DescribeErrors,
        Environment,
        EnvironmentConfig,
        PathContext,
        Snapshot,
    )

FORMAT = 1
"""Of the key; with another one every environment is rebuilt."""


def wanted_environment(
    settings: Mapping[str, Any] | None,
    infos: Sequence[ComponentInfo],
    component: type[AnyComponent] | None,
    context: PathContext,
    describe: DescribeErrors,
) -> WantedEnvironment | None:
    """Return the environment that ``extra_configs`` ask for; ``None``: the current one.

    :param infos: of the job's hook and of its component, the component's last
    :param describe: puts the problems of an invalid config into sentences
    :raises EnvironmentSettingsError: with every problem, each with its place in ``extra_configs``
    """
    asked = asked_for(settings or {})
    if asked is None:
        return None
    now = snapshot()
    packages = tuple((info.package, frozenset(info.extras)) for info in infos if info.version)
    distributions, needed = needs_of(packages, now)
    if asked.auto:
        recipe = dict(component.isolated) if component is not None else {}
        if _can_stay(recipe, [text for text, _ in needed], now):
            return None
        asked.manager = recipe.pop("manager", None)
        asked.values = recipe
        asked.places = dict.fromkeys(recipe, ("env",))
    manager = asked.manager or ("uv" if find_uv() else "venv")
    environment, existing = _choose(manager, asked, context, describe)
    config: EnvironmentConfig = environment.config
    if existing is None and config.python is not None:
        text = refuse_python(config.python, distributions, now)
        if text is not None:
            raise EnvironmentSettingsError([(asked.place(("python",)), text)])
    return WantedEnvironment(
        manager=manager,
        environment=environment,
        label=_label(manager, asked, config, infos),
        requirements=tuple(dict.fromkeys((*(text for text, _ in needed), *config.requirements))),
        constraints=config.constraints,
        distributions=distributions,
        key=_key(manager, environment, needed, asked.published_name, existing),
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
    manager: str, asked: Asked, context: PathContext, describe: DescribeErrors
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
            return _find(kind, named, context, describe)
        if "file" in asked.values and "file" not in kind.config_type.model_fields:
            # That of uv, venv and virtualenv is one of requirements.
            asked.values["requirements"] = asked.values.pop("file")
            asked.places["requirements"] = asked.places.pop("file")
    return _find(kind, asked, context, describe)


def _find(
    kind: Any,  # noqa: ANN401 (a manager's class)
    asked: Asked,
    context: PathContext,
    describe: DescribeErrors,
) -> tuple[Environment[Any], Path | None]:
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
        masker = Masker.of(None)  # addresses of packages may hold passwords
        problems = [
            (asked.place(location), masker.text(text))
            for location, text in describe(error, kind.config_type, asked.values)
        ]
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
