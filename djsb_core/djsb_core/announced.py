"""What installed packages announce as entry points, read once for each state of the import path."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

METADATA = (".dist-info", ".egg-info", ".egg-link")
ENTRY_POINTS = "entry_points.txt"
PREFIX = "djsb."
"""Of the groups of djsb: looking through those of others takes time."""
FRESH = 2 * 10**9
"""Nanoseconds: a folder modified more recently may change again and keep its time stamp."""

_State = tuple[tuple[str, int, tuple[tuple[str, int], ...] | None], ...]


@dataclass(frozen=True)
class ComponentInfo:
    """One component as its package's metadata announces it."""

    name: str
    package: str
    version: str
    target: str
    """Where it lives: ``module:Class``."""
    extras: tuple[str, ...] = ()
    """Extras of its package that it needs: ``module:Class [extra]`` in the entry point."""


def announced(group: str) -> list[EntryPoint]:
    """List the entry points of one group; imports no plugin code.

    Packages that are installed or removed later are noticed.
    """
    return [*_read(_state()).get(group, ())]


def package_of(entry: EntryPoint) -> tuple[str, str]:
    """Return the name and version of the package that announces an entry point."""
    return _package(entry.dist) if entry.dist else ("an unknown package", "")


@lru_cache(maxsize=1024)
def _package(distribution: Distribution) -> tuple[str, str]:
    return distribution.name, distribution.version


@lru_cache(maxsize=2)
def _read(_: _State) -> dict[str, list[EntryPoint]]:
    """Read the metadata of all packages, which takes a few hundredths of a second."""
    entries = entry_points()
    groups = [group for group in entries.groups if group.startswith(PREFIX)]
    return {group: [*entries.select(group=group)] for group in groups}


def _state() -> _State:
    """Return a value that changes when a package on the import path changes."""
    now = time.time_ns()
    return tuple(_folder_state(folder or os.curdir, now) for folder in sys.path)


def _folder_state(folder: str, now: int) -> tuple[str, int, tuple[tuple[str, int], ...] | None]:
    try:
        modified = os.stat(folder).st_mtime_ns  # noqa: PTH116 (texts: this is called often)
    except OSError:
        return folder, 0, None
    if now - modified > FRESH:
        return folder, modified, None
    return folder, 0, tuple(sorted(_packages(folder)))


def _packages(folder: str) -> list[tuple[str, int]]:
    """List the package metadata in a folder, each with the time stamp of its entry points."""
    try:
        with os.scandir(folder) as entries:
            paths = [entry.path for entry in entries if entry.name.endswith(METADATA)]
    except OSError:  # a zip file
        return []
    return [(path, _modified(os.path.join(path, ENTRY_POINTS))) for path in paths]  # noqa: PTH118


def _modified(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116
    except OSError:
        return 0
