"""The keys of ``extra_configs`` that choose an environment, in both forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb_core.api import ENVIRONMENT_KEYS, EnvironmentSettingsError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb_core.api import Location

AUTO = "auto"
PUBLISHED_MANAGER = "conda"
"""The default manager of the published format."""

PUBLISHED_PARAMS = {"env_py_version": "python", "env_config_path": "file"}


@dataclass
class EnvironmentRequest:
    """The environment that the settings request."""

    manager: str | None
    """``None`` for the best one installed."""
    values: dict[str, Any]
    """Settings of the manager."""
    places: dict[str, Location]
    """Location of each of ``values`` in ``extra_configs``."""
    manager_place: Location
    published_name: str | None = None
    """Name of an environment that is used if it exists, and created otherwise."""
    auto: bool = False

    def place(self, location: Location) -> Location:
        """Return the location of a manager's setting in ``extra_configs``."""
        if not location:
            return self.manager_place[:1]
        first, *rest = location
        return (*self.places.get(str(first), (self.manager_place[0], first)), *rest)


def read_request(settings: Mapping[str, Any]) -> EnvironmentRequest | None:
    """Parse either form; ``None`` if neither is used.

    :raises EnvironmentSettingsError: with every problem
    """
    env_settings = {key: settings[key] for key in ENVIRONMENT_KEYS if settings.get(key) is not None}
    if not env_settings:
        return None
    if "env" not in env_settings:
        return _published(env_settings)
    others = sorted(set(env_settings) - {"env"})
    if others:
        text = f"'env' already chooses the environment; remove {others[0]}, or env"
        raise EnvironmentSettingsError([((others[0],), text)])
    return _own(env_settings["env"])


def _own(env: object) -> EnvironmentRequest:
    if env == AUTO:
        return EnvironmentRequest(None, {}, {}, ("env",), auto=True)
    if not isinstance(env, dict):
        text = (
            "should be 'auto', or a mapping such as {manager: uv, requirements: [numpy<2]} "
            "or {path: FOLDER}"
        )
        raise EnvironmentSettingsError([(("env",), text)])
    values = {str(key): value for key, value in env.items()}
    manager = values.pop("manager", None)
    if manager is not None and not isinstance(manager, str):
        raise EnvironmentSettingsError([(("env", "manager"), "should be the name of a manager")])
    return EnvironmentRequest(
        manager, values, {key: ("env", key) for key in values}, ("env", "manager")
    )


def _published(env_settings: Mapping[str, Any]) -> EnvironmentRequest:
    problems: list[tuple[Location, str]] = []
    name, params = env_settings.get("env_name"), env_settings.get("env_params") or {}
    if name is None:
        first = min(env_settings)
        problems.append(((first,), "needs env_name, the name of the environment"))
    elif not isinstance(name, str) or not name.strip():
        problems.append((("env_name",), f"should be a name, not {name!r}"))
    manager = env_settings.get("env_manager", PUBLISHED_MANAGER)
    if not isinstance(manager, str):
        problems.append((("env_manager",), "should be the name of a manager"))
    if not isinstance(params, dict):
        problems.append((("env_params",), "should be a mapping"))
        params = {}
    unknown = [key for key in params if key not in PUBLISHED_PARAMS]
    problems += [
        (("env_params", key), f"unknown key; {suggest(key, PUBLISHED_PARAMS)}") for key in unknown
    ]
    request = EnvironmentRequest(manager, {}, {}, ("env_manager",), published_name=name)
    for key, setting in PUBLISHED_PARAMS.items():
        if params.get(key) is not None:
            request.values[setting] = params[key]
            request.places[setting] = ("env_params", key)
    if problems:
        raise EnvironmentSettingsError(problems)
    return request
