"""The keys of ``extra_configs`` that say where a component runs, in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb_core.api import ENVIRONMENT_KEYS, EnvironmentSettingsError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb_core.api import Location

AUTO = "auto"
PUBLISHED_MANAGER = "conda"
"""What the published format takes where none is given."""

PUBLISHED_PARAMS = {"env_py_version": "python", "env_config_path": "file"}


@dataclass
class Asked:
    """What the settings ask for."""

    manager: str | None
    """``None``: the best that is here."""
    values: dict[str, Any]
    """Settings of the manager."""
    places: dict[str, Location]
    """Where each of ``values`` stands in ``extra_configs``."""
    manager_place: Location
    published_name: str | None = None
    """Of an environment that is used if it is there, and made if not."""
    auto: bool = False

    def place(self, location: Location) -> Location:
        """Return where a setting of the manager stands in ``extra_configs``."""
        if not location:
            return self.manager_place[:1]
        first, *rest = location
        return (*self.places.get(str(first), (self.manager_place[0], first)), *rest)


def asked_for(settings: Mapping[str, Any]) -> Asked | None:
    """Read both forms; ``None`` if neither is used.

    :raises EnvironmentSettingsError: with every problem
    """
    given = {key: settings[key] for key in ENVIRONMENT_KEYS if settings.get(key) is not None}
    if not given:
        return None
    if "env" not in given:
        return _published(given)
    others = sorted(set(given) - {"env"})
    if others:
        text = f"'env' says where the component runs; remove {others[0]}, or env"
        raise EnvironmentSettingsError([((others[0],), text)])
    return _own(given["env"])


def _own(env: object) -> Asked:
    if env == AUTO:
        return Asked(None, {}, {}, ("env",), auto=True)
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
    return Asked(manager, values, {key: ("env", key) for key in values}, ("env", "manager"))


def _published(given: Mapping[str, Any]) -> Asked:
    problems: list[tuple[Location, str]] = []
    name, params = given.get("env_name"), given.get("env_params") or {}
    if name is None:
        first = min(given)
        problems.append(((first,), "needs env_name, the name of the environment"))
    elif not isinstance(name, str) or not name.strip():
        problems.append((("env_name",), f"should be a name, not {name!r}"))
    manager = given.get("env_manager", PUBLISHED_MANAGER)
    if not isinstance(manager, str):
        problems.append((("env_manager",), "should be the name of a manager"))
    if not isinstance(params, dict):
        problems.append((("env_params",), "should be a mapping"))
        params = {}
    unknown = [key for key in params if key not in PUBLISHED_PARAMS]
    problems += [
        (("env_params", key), f"unknown key; {suggest(key, PUBLISHED_PARAMS)}") for key in unknown
    ]
    asked = Asked(manager, {}, {}, ("env_manager",), published_name=name)
    for key, setting in PUBLISHED_PARAMS.items():
        if params.get(key) is not None:
            asked.values[setting] = params[key]
            asked.places[setting] = ("env_params", key)
    if problems:
        raise EnvironmentSettingsError(problems)
    return asked
