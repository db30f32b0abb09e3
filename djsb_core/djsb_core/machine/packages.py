"""Whether what a package's metadata asks for is installed, in a version that fits.

As ``pip check`` does, but for one package at a time, with the extras that it asks for.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.machine.installed import read_installed, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from djsb_core.machine.installed import Snapshot

NOT_INSTALLED = "not installed"
LOWER, UPPER = (">=", ">"), ("<=", "<")
STRICT = {">", "<"}
ONLY_EXTRA = re.compile(r";\s*\(?\s*extra\s*==\s*(['\"])(?P<extra>[^'\"]+)\1\s*\)?\s*$")
"""A line that counts for one extra and nothing else; some packages have hundreds."""


@dataclass(frozen=True)
class Wanted:
    """One package that others ask for: all that they ask of it, and what is installed."""

    name: str
    extras: frozenset[str]
    specifier: SpecifierSet
    wanted_by: tuple[str, ...]
    installed: str | None
    """Its version; ``None`` if it is not installed."""

    @property
    def fits(self) -> bool:
        """Whether it is installed in a version that all of them take."""
        if self.installed is None:
            return False
        try:
            return self.specifier.contains(Version(self.installed), prereleases=True)
        except InvalidVersion:
            return False

    @property
    def range(self) -> str:
        """The versions that fit, the lowest first: ``>=4.7,<=4.8.4``."""
        return ",".join(map(str, _tightest(self.specifier)))

    @property
    def possible(self) -> bool:
        """Whether any version can fit."""
        exact = [one for one in self.specifier if one.operator == "==" and "*" not in one.version]
        low, high = _bounds(self.specifier)
        if low is not None and high is not None:
            lowest, highest = Version(low.version), Version(high.version)
            if lowest > highest or (lowest == highest and {low.operator, high.operator} & STRICT):
                return False
        return all(self.specifier.contains(one.version, prereleases=True) for one in exact)

    def check(self, reason: str = "") -> DoctorCheck:
        """Return it as a check; a version that does not fit may work all the same.

        :param reason: what it is needed for
        """
        finding = self.installed or NOT_INSTALLED
        if self.fits:
            finding += f" ({self.range})" if self.range else ""
        elif self.installed is not None:
            verb = "want" if len(self.wanted_by) > 1 else "wants"
            finding += f", but {' and '.join(self.wanted_by)} {verb} {self.range}"
        return DoctorCheck(
            self.name,
            ok=self.fits,
            finding="; ".join(filter(None, (finding, "" if self.fits else reason))),
            remedy="" if self.fits else self._remedy(),
            kind=CheckKind.PACKAGE,
            required=self.fits or self.installed is None,
        )

    def _remedy(self) -> str:
        if not self.possible:
            return "no version suits all of them: run one in an environment of its own (env: auto)"
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"pip install '{self.name}{extras}{self.range}'"


def wanted_packages(
    names: Iterable[str], extras: Iterable[str] = (), *, deep: bool = False
) -> list[Wanted]:
    """List what installed packages ask for, each once; a package that is not there asks nothing.

    :param names: the packages
    :param extras: those of their extras that count, too
    :param deep: also what the packages ask for that they ask for, and so on
    """
    now = snapshot()
    asked: dict[str, list[tuple[str, Requirement]]] = {}
    waiting = [(name, extra) for name in names for extra in ("", *extras)]
    seen = set(waiting)
    for name, extra in waiting:  # which grows
        for one in _requirements(name, extra, now):
            asked.setdefault(canonicalize_name(one.name), []).append((name, one))
            follow = [(one.name, added) for added in (*one.extras, *([""] if deep else []))]
            waiting += [pair for pair in follow if pair not in seen]
            seen.update(follow)
    return [_together(found, now) for found in asked.values()]


def check_packages(package: str, reasons: Mapping[str, str]) -> list[DoctorCheck]:
    """Check some of the packages that a package's metadata lists, and say what they are for.

    The others are checked, too, where ``djsb doctor`` looks at the package.

    :param package: the one that needs them
    :param reasons: what each is needed for, by name
    """
    wanted = {canonicalize_name(one.name): one for one in wanted_packages([package])}
    named = {canonicalize_name(name): reason for name, reason in reasons.items()}
    return [wanted[name].check(why) for name, why in named.items() if name in wanted]


def extras_of(name: str) -> Mapping[str, list[Wanted]]:
    """List the extras of an installed package, each with what it adds."""
    package = read_installed(name, snapshot())
    extras = package.extras if package else ()
    plain = {one.name for one in wanted_packages([name])} | {name}
    return {
        extra: [one for one in wanted_packages([name], [extra]) if one.name not in plain]
        for extra in extras
    }


@lru_cache(maxsize=1024)
def _requirements(name: str, extra: str, now: Snapshot) -> tuple[Requirement, ...]:
    """Return what a package asks for on this machine, or what one of its extras adds to that.

    A line that cannot be read asks for nothing, as for pip.
    """
    package = read_installed(name, now)
    found = []
    for line in package.requires if package else ():
        only = ONLY_EXTRA.search(line)
        if only and (not extra or canonicalize_name(only["extra"]) != canonicalize_name(extra)):
            continue  # parsing it takes longer
        with suppress(InvalidRequirement):
            one = Requirement(line)
            plain = one.marker is None or one.marker.evaluate({"extra": ""})
            added = not plain and one.marker and one.marker.evaluate({"extra": extra})
            if added if extra else plain:
                found.append(one)
    return tuple(found)


def _together(asked: list[tuple[str, Requirement]], now: Snapshot) -> Wanted:
    requirements = [one for _, one in asked]
    specifier = SpecifierSet()
    for one in requirements:
        specifier &= one.specifier
    package = read_installed(requirements[0].name, now)
    return Wanted(
        requirements[0].name,
        frozenset[str]().union(*(one.extras for one in requirements)),
        specifier,
        tuple(dict.fromkeys(name for name, one in asked if one.specifier)),
        package.version if package else None,
    )


def _tightest(specifier: SpecifierSet) -> list[Specifier]:
    """Leave out the bounds that another one of the same kind makes needless."""
    others = sorted((one for one in specifier if one.operator not in LOWER + UPPER), key=str)
    return [one for one in _bounds(specifier) if one is not None] + others


def _bounds(specifier: SpecifierSet) -> tuple[Specifier | None, Specifier | None]:
    lower = [one for one in specifier if one.operator in LOWER]
    upper = [one for one in specifier if one.operator in UPPER]
    return (
        max(lower, key=lambda one: (Version(one.version), one.operator == ">"), default=None),
        min(upper, key=lambda one: (Version(one.version), one.operator != "<"), default=None),
    )
