"""What installed packages need, from their metadata; nothing is imported."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from djsb_core.api import find_distribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution

    from djsb_core.api import Snapshot

CORE = "djsb-core"
GROUP = "djsb."
"""How the entry-point groups of djsb begin."""


def linked(name: str, now: Snapshot) -> bool:
    """Tell whether an installed package is djsb or a plugin: its code is linked, not installed."""
    if canonicalize_name(name) == CORE:
        return True
    found = find_distribution(name, now)
    return found is not None and any(one.group.startswith(GROUP) for one in found.entry_points)


@lru_cache(maxsize=1024)
def needs_of(
    packages: tuple[tuple[str, frozenset[str]], ...], now: Snapshot
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Follow what djsb-core and packages depend on.

    :param packages: names, each with the extras that count
    :return: the packages to link, sorted; and the requirements to install, each with the package
        that has it
    """
    links: dict[str, None] = {}
    requirements: dict[str, str] = {}
    waiting = [(CORE, frozenset[str]()), *packages]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop(0)
        links[canonicalize_name(name)] = None
        for requirement in _requires(name, extras, now):
            if linked(requirement.name, now):
                more = (canonicalize_name(requirement.name), frozenset(requirement.extras))
                if more not in seen:
                    seen.add(more)
                    waiting.append(more)
            else:
                requirements.setdefault(str(requirement), name)
    return tuple(sorted(links)), tuple(requirements.items())


def _requires(name: str, extras: frozenset[str], now: Snapshot) -> Iterator[Requirement]:
    """Yield what a package requires; markers about anything but extras are left to the target."""
    found = find_distribution(name, now)
    for text in (found.requires if found else None) or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # of another time; pip would not install it either
            continue
        if requirement.marker is not None and "extra" in str(requirement.marker):
            if not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
                continue
            requirement.marker = None
        yield requirement


def missing_here(requirements: Iterable[str], now: Snapshot) -> list[str]:
    """List the requirements that the current environment does not meet."""
    return [text for text in requirements if not _is_met_here(text, now)]


@lru_cache(maxsize=4096)
def _is_met_here(text: str, now: Snapshot) -> bool:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:  # an option, a path, an address: nobody can tell
        return False
    found = find_distribution(requirement.name, now)
    if requirement.url is not None:
        return found is not None and _comes_from(found, requirement.url)
    return meets(requirement, found.version if found else None)


def meets(requirement: Requirement, version: str | None, python: str | None = None) -> bool:
    """Tell whether an installed version (``None``: not installed) is what a requirement wants.

    :param python: version of Python that it is installed for; default: this one
    """
    if requirement.marker is not None:
        where = {"extra": ""}
        if python is not None:
            short = ".".join(python.split(".")[:2])
            where |= {"python_version": short, "python_full_version": python}
        if not requirement.marker.evaluate(where):
            return True
    if version is None:
        return False
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return not requirement.specifier


def refuse_python(version: str, names: Iterable[str], now: Snapshot) -> str | None:
    """Say which of the packages does not run on a version of Python, if one does not.

    :param version: ``3.11`` for any release of it, or ``3.11.7``
    """
    for name in names:
        found = find_distribution(name, now)
        needed = found.metadata["Requires-Python"] if found else None
        if found is not None and needed and not _allows(needed, version):
            return (
                f"{found.name} {found.version} does not run on Python {version}; it needs {needed}"
            )
    return None


def _allows(needed: str, version: str) -> bool:
    try:
        specifier = SpecifierSet(needed)
    except InvalidSpecifier:  # of another time; pip would not install it either
        return True
    latest = version if version.count(".") > 1 else f"{version}.999"
    return specifier.contains(version) or specifier.contains(latest)


def _comes_from(found: Distribution, url: str) -> bool:
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return isinstance(origin, dict) and origin.get("url") == url.partition("#")[0]
