"""The environment that a job's settings request: checked, and keyed by what determines it."""

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
from djsb_environments.settings import EnvironmentRequest, read_request
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
"""Version of the key's format; a change rebuilds every environment."""


def wanted_environment(
    settings: Mapping[str, Any] | None,
    infos: Sequence[ComponentInfo],
    component: type[AnyComponent] | None,
    context: PathContext,
    describe: DescribeErrors,
) -> WantedEnvironment | None:
    """Return the environment that ``extra_configs`` request; ``None`` for the current one.

    :param infos: the job's hook and its component, the component last
    :param describe: converts the errors of an invalid config to messages
    :raises EnvironmentSettingsError: with every problem and its location in ``extra_configs``
    """
    request = read_request(settings or {})
    if request is None:
        return None
    now = snapshot()
    packages = tuple((info.package, frozenset(info.extras)) for info in infos if info.version)
    distributions, needed = needs_of(packages, now)
    if request.auto:
        recipe = dict(component.isolated) if component is not None else {}
        if _can_stay(recipe, [text for text, _ in needed], now):
            return None
        request.manager = recipe.pop("manager", None)
        request.values = recipe
        request.places = dict.fromkeys(recipe, ("env",))
    manager = request.manager or ("uv" if find_uv() else "venv")
    environment, existing = _choose(manager, request, context, describe)
    config: EnvironmentConfig = environment.config
    if existing is None and config.python is not None:
        text = refuse_python(config.python, distributions, now)
        if text is not None:
            raise EnvironmentSettingsError([(request.place(("python",)), text)])
    return WantedEnvironment(
        manager=manager,
        environment=environment,
        label=_label(manager, request, config, infos),
        requirements=tuple(dict.fromkeys((*(text for text, _ in needed), *config.requirements))),
        constraints=config.constraints,
        distributions=distributions,
        key=_key(manager, environment, needed, request.published_name, existing),
        existing=existing,
    )


def _can_stay(recipe: Mapping[str, Any], needed: Sequence[str], now: Snapshot) -> bool:
    """Return whether the current environment has what a component needs."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}."
    version = str(recipe.get("python") or here)
    requirements = recipe.get("requirements", ())
    if not isinstance(requirements, list | tuple):  # a file's path: only a new environment can tell
        return False
    return f"{version}.".startswith(here) and not missing_here((*needed, *requirements), now)


def _choose(
    manager: str, request: EnvironmentRequest, context: PathContext, describe: DescribeErrors
) -> tuple[Environment[Any], Path | None]:
    """Return the configured manager, and the folder of the environment if it exists.

    :raises EnvironmentSettingsError: with every problem
    """
    try:
        kind: Any = load_component(Kind.ENVIRONMENT, manager)
    except RequestError as error:
        raise EnvironmentSettingsError([(request.manager_place, str(error))]) from error
    if request.published_name is not None:
        by_name = EnvironmentRequest(
            manager, {"name": request.published_name}, {}, request.manager_place
        )
        with suppress(EnvironmentSettingsError):
            return _find(kind, by_name, context, describe)
        if "file" in request.values and "file" not in kind.config_type.model_fields:
            # For uv, venv and virtualenv it is a requirements file.
            request.values["requirements"] = request.values.pop("file")
            request.places["requirements"] = request.places.pop("file")
    return _find(kind, request, context, describe)


def _find(
    kind: Any,  # noqa: ANN401 (a manager's class)
    request: EnvironmentRequest,
    context: PathContext,
    describe: DescribeErrors,
) -> tuple[Environment[Any], Path | None]:
    """Configure a manager and look up an existing environment.

    :raises EnvironmentSettingsError: with every problem
    """
    if kind.names_are_folders and "name" in request.values:
        request.values["path"] = request.values.pop("name")
        request.places["path"] = request.places.pop("name", ("env_name",))
    try:
        config = kind.config_type.model_validate(request.values, context=context)
        environment: Environment[Any] = kind(config)
        return environment, environment.find()
    except ValidationError as error:
        masker = Masker.of(None)  # URLs of packages may contain passwords
        problems = [
            (request.place(location), masker.text(text))
            for location, text in describe(error, kind.config_type, request.values)
        ]
        raise EnvironmentSettingsError(problems) from error
    except ComponentError as error:
        key = next((key for key in ("name", "path") if key in request.values), "name")
        raise EnvironmentSettingsError([(request.place((key,)), str(error))]) from error


def _label(
    manager: str,
    request: EnvironmentRequest,
    config: EnvironmentConfig,
    infos: Sequence[ComponentInfo],
) -> str:
    if request.published_name is not None:
        return request.published_name
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
