"""The versions of the packages that a job's component requires, here or in its environment."""

from __future__ import annotations

import platform
import re
from functools import lru_cache
from importlib.metadata import Distribution
from typing import TYPE_CHECKING

from djsb_core.machine.installed import installed_version, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from djsb_core.announced import ComponentInfo
    from djsb_core.machine.installed import Snapshot

ENGINE = "djsb-core"
"""Its own requirements run jobs; none of them decides a result."""

ABSENT = "not installed"
NAME = re.compile(r"\s*([A-Za-z0-9][\w.-]*)")
SEPARATORS = re.compile(r"[-_.]+")


def required_versions(infos: Iterable[ComponentInfo], more: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the packages that components' packages require, by name.

    :param infos: the components
    :param more: further packages that they use
    """
    now = snapshot()
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for info in infos:
        if _canonical(info.package) != ENGINE or info.extras:
            versions |= dict(_required(info.package, info.extras, now))
    versions |= {_canonical(name): installed_version(name) or ABSENT for name in more}
    return versions


def versions_in(folder: Path, requirements: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages in an isolated environment, by name.

    :param folder: of the environment
    :param requirements: what it was asked to contain
    """
    names = {_canonical(match[1]) for text in requirements if (match := NAME.match(text))}
    places = sorted(folder.glob("lib/python*/site-packages"))
    times = tuple(place.stat().st_mtime_ns for place in places)
    return dict(_versions(tuple(places), frozenset(names), times))


@lru_cache(maxsize=64)
def _versions(
    places: tuple[Path, ...], names: frozenset[str], _: tuple[int, ...]
) -> tuple[tuple[str, str], ...]:
    """Read the versions; cached until a package is installed."""
    installed: dict[str, str] = {}
    for distribution in Distribution.discover(path=[str(place) for place in places]):
        name = _canonical(distribution.name or "")
        if name in names:
            installed.setdefault(name, distribution.version)
    python = " ".join(place.parent.name.removeprefix("python") for place in places)
    return (("python", python), *((name, installed.get(name, ABSENT)) for name in sorted(names)))


@lru_cache(maxsize=256)
def _required(package: str, extras: tuple[str, ...], _: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return names and versions of what a package requires; cached until one is installed."""
    from djsb_core.machine.packages import wanted_packages

    wanted = wanted_packages([package], extras)
    if _canonical(package) == ENGINE:
        base = {entry.name for entry in wanted_packages([package])}
        wanted = [entry for entry in wanted if entry.name not in base]
    return tuple((_canonical(entry.name), entry.installed or ABSENT) for entry in wanted)


def _canonical(name: str) -> str:
    return SEPARATORS.sub("-", name).lower()
