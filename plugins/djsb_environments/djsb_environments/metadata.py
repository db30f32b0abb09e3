"""The dependencies of installed packages, from their metadata, without importing them."""

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
"""Prefix of the entry-point groups of djsb."""


def linked(name: str, now: Snapshot) -> bool:
    """Return whether an installed package is djsb or a plugin, whose code is linked."""
    if canonicalize_name(name) == CORE:
        return True
    distribution = find_distribution(name, now)
    return distribution is not None and any(
        entry.group.startswith(GROUP) for entry in distribution.entry_points
    )


@lru_cache(maxsize=1024)
def needs_of(
    packages: tuple[tuple[str, frozenset[str]], ...], now: Snapshot
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Collect the dependencies of djsb-core and other packages.

    :param packages: names, each with its extras
    :return: the packages to link, sorted; and the requirements to install, each with the package
        that depends on it
    """
    links: dict[str, None] = {}
    requirements: dict[str, str] = {}
    queue = [(CORE, frozenset[str]()), *packages]
    seen = set(queue)
    while queue:
        name, extras = queue.pop(0)
        links[canonicalize_name(name)] = None
        for requirement in _requires(name, extras, now):
            if linked(requirement.name, now):
                package = (canonicalize_name(requirement.name), frozenset(requirement.extras))
                if package not in seen:
                    seen.add(package)
                    queue.append(package)
            else:
                requirements.setdefault(str(requirement), name)
    return tuple(sorted(links)), tuple(requirements.items())


def _requires(name: str, extras: frozenset[str], now: Snapshot) -> Iterator[Requirement]:
    """Yield the requirements of a package; markers other than extras are left to the target."""
    distribution = find_distribution(name, now)
    for text in (distribution.requires if distribution else None) or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # an obsolete format, which pip rejects as well
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
    except InvalidRequirement:  # an option, a path, an address: unknown
        return False
    distribution = find_distribution(requirement.name, now)
    if requirement.url is not None:
        return distribution is not None and _comes_from(distribution, requirement.url)
    return meets(requirement, distribution.version if distribution else None)


def meets(requirement: Requirement, version: str | None, python: str | None = None) -> bool:
    """Return whether an installed version (``None``: not installed) meets a requirement.

    :param python: the Python version that it is installed for; default: this one
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
    """Explain which package does not run on a Python version; ``None`` if all do.

    :param version: ``3.11`` for any release of it, or ``3.11.7``
    """
    for name in names:
        distribution = find_distribution(name, now)
        if distribution is None:
            continue
        needed = ", ".join(distribution.metadata.get_all("Requires-Python") or ())
        if needed and not _allows(needed, version):
            package = f"{distribution.name} {distribution.version}"
            return f"{package} does not run on Python {version}; it needs {needed}"
    return None


def _allows(needed: str, version: str) -> bool:
    try:
        specifier = SpecifierSet(needed)
    except InvalidSpecifier:  # an obsolete format, which pip rejects as well
        return True
    latest = version if version.count(".") > 1 else f"{version}.999"
    return specifier.contains(version) or specifier.contains(latest)


def _comes_from(distribution: Distribution, url: str) -> bool:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    except ValueError:
        return False
    return isinstance(origin, dict) and origin.get("url") == url.partition("#")[0]
