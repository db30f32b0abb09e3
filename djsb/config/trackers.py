"""Choose a run's trackers: by the experiment, the environment, or the user's credentials."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from djsb_core.discovery import find_component, list_components, load_component
from djsb_core.errors import DjsbError, PluginLoadError, RequestError, UnknownComponentError
from djsb_core.foreign import PluginFault, contained
from djsb_core.interfaces.kinds import Kind
from djsb_core.published import TRACKER_SIGNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb_core.interfaces.tracker import Tracker

VARIABLE = "DJSB_TRACKERS"
"""Comma-separated trackers for experiments that name none."""


def requested_trackers(named: Sequence[str] | None) -> list[str]:
    """List the trackers requested by the experiment, else by ``DJSB_TRACKERS``.

    :param named: the experiment's ``trackers``; ``None`` where it has no such key
    """
    if named is None:
        named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",")]
    return [name for name in named if name]


def trackers_of_run(named: Sequence[str] | None) -> list[str]:
    """List a run's trackers: those requested, else those that the user is logged in to.

    :param named: the experiment's ``trackers``; ``None`` where it has no such key
    """
    if named is not None or VARIABLE in os.environ:
        return requested_trackers(named)
    candidates = [name for name, signs in TRACKER_SIGNS.items() if any(map(_exists, signs))]
    if not candidates:
        return []
    installed = {info.name for info in list_components(Kind.TRACKER.group)}
    return [name for name in candidates if name in installed and _is_default(name)]


def unknown_trackers(names: Sequence[str]) -> Mapping[str, str]:
    """Describe the problem with each name that no installed package provides."""
    problems = {}
    for name in names:
        try:
            find_component(Kind.TRACKER, name)
        except UnknownComponentError as error:
            problems[name] = str(error)
        except PluginLoadError:
            continue  # two packages provide it: the run warns
    return problems


def check_variable() -> None:
    """Check the trackers that ``DJSB_TRACKERS`` names.

    :raises RequestError: if no installed package provides one of them
    """
    problems = unknown_trackers(requested_trackers(None))
    if problems:
        raise RequestError(f"{VARIABLE}: {'; '.join(problems.values())}")


def _exists(sign: str) -> bool:
    """Return whether an environment variable is set or a file exists."""
    if not sign.startswith("~"):
        return sign in os.environ
    with suppress(OSError, RuntimeError):  # a user without a home
        return Path(sign).expanduser().exists()
    return False


def _is_default(name: str) -> bool:
    try:
        tracker = cast("type[Tracker]", load_component(Kind.TRACKER, name))
        with contained(f"tracker '{name}'"):
            return tracker.is_default()
    except (PluginFault, DjsbError):
        return False  # it was not requested
