"""What installed packages announce as entry points, read once for each state of the import path."""

from __future__ import annotations

import os
import re
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution

METADATA = (".dist-info", ".egg-info")
ENTRY_POINTS = "entry_points.txt"
GROUP = "[djsb."
"""How the groups of djsb begin in a file of entry points."""
FRESH = 2 * 10**9
"""Nanoseconds: a folder modified more recently may change again and keep its time stamp."""

_State = tuple[tuple[str, int, tuple[tuple[str, int], ...] | None], ...]


class Announcement(NamedTuple):
    """One entry point.

    As :class:`importlib.metadata.EntryPoint`, whose module takes a fifth of ``djsb --help``; it is
    imported when a package's name is asked for, or its code is loaded.
    """

    name: str
    value: str
    group: str
    metadata: str | Distribution
    """Of its package: the folder, or what was read from an archive."""

    @property
    def target(self) -> str:
        """Where its object lives: ``module:Class``."""
        return self.value.partition("[")[0].strip()

    @property
    def extras(self) -> tuple[str, ...]:
        """The extras of its package that it needs."""
        inside = self.value.partition("[")[2].partition("]")[0]
        return tuple(extra.strip() for extra in inside.split(",") if extra.strip())

    def load(self) -> Any:  # noqa: ANN401 (any object)
        """Import the object."""
        from importlib.metadata import EntryPoint

        return EntryPoint(self.name, self.value, self.group).load()


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


def announced(group: str) -> list[Announcement]:
    """List the entry points of one group; imports no plugin code.

    Packages that are installed or removed later are noticed.
    """
    return [*_read(_state()).get(group, ())]


def package_of(entry: Announcement) -> tuple[str, str]:
    """Return the name and version of the package that announces an entry point."""
    return _package(entry.metadata)


@lru_cache(maxsize=1024)
def _package(metadata: str | Distribution) -> tuple[str, str]:
    from importlib.metadata import Distribution

    package = Distribution.at(metadata) if isinstance(metadata, str) else metadata
    return package.metadata["Name"] or "an unknown package", package.metadata["Version"] or ""


@lru_cache(maxsize=2)
def _read(_: _State) -> dict[str, list[Announcement]]:
    """Read the metadata of all packages; of two with the same name, the first on the path."""
    groups: dict[str, list[Announcement]] = {}
    known: set[str] = set()
    for folder in dict.fromkeys(sys.path):
        for name, metadata, text in _files(folder or os.curdir):
            if name not in known and GROUP in text:
                for entry in _entries(text, metadata):
                    groups.setdefault(entry.group, []).append(entry)
            known.add(name)
    return groups


def _files(folder: str) -> Iterator[tuple[str, str | Distribution, str]]:
    """Yield for each package in a folder of the path: its name, its metadata, its entry points."""
    try:
        with os.scandir(folder) as entries:  # in its order: the first of two copies counts
            paths = [entry.path for entry in entries if _is_metadata(entry.name, folder)]
    except NotADirectoryError:  # an archive
        yield from _files_in_archive(folder)
        return
    except OSError:
        return
    for path in paths:
        try:
            with open(os.path.join(path, ENTRY_POINTS), encoding="utf-8") as file:  # noqa: PTH118, PTH123 (as below)
                text = file.read()
        except (OSError, UnicodeDecodeError):
            text = ""
        yield _name_in(path), path, text


def _files_in_archive(path: str) -> Iterator[tuple[str, Distribution, str]]:
    from importlib.metadata import distributions

    for package in distributions(path=[path]):
        try:
            text = package.read_text(ENTRY_POINTS) or ""
        except UnicodeDecodeError:
            text = ""
        yield _normalized(package.metadata["Name"] or ""), package, text


def _is_metadata(name: str, folder: str) -> bool:
    name = name.lower()
    return name.endswith(METADATA) or (name == "egg-info" and folder.lower().endswith(".egg"))


def _name_in(path: str) -> str:
    """Return a package's normalized name: ``djsb_core`` of ``…/djsb_core-0.1.0.dist-info``."""
    place, name = os.path.split(path)
    is_egg = name.lower() == "egg-info"
    stem = os.path.basename(place) if is_egg else os.path.splitext(name)[0]  # noqa: PTH119, PTH122
    return _normalized(stem.partition("-")[0])


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _entries(text: str, metadata: str | Distribution) -> Iterator[Announcement]:
    """Yield the entry points of djsb's groups in a file of entry points."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1]
        elif "=" in line and not line.startswith("#") and f"[{group}".startswith(GROUP):
            name, _, value = line.partition("=")
            yield Announcement(name.strip(), value.strip(), group, metadata)


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
