"""Check that the dependencies of a package are installed in versions that fit.

Like ``pip check``, but for one package at a time, with the extras that it requires.
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
"""A line that applies to one extra only; some packages have hundreds."""


@dataclass(frozen=True)
class RequiredPackage:
    """A package that others depend on: their combined requirements, and what is installed."""

    name: str
    extras: frozenset[str]
    specifier: SpecifierSet
    required_by: tuple[str, ...]
    installed: str | None
    """Its version; ``None`` if it is not installed."""

    @property
    def fits(self) -> bool:
        """Whether it is installed in a version that all of them accept."""
        if self.installed is None:
            return False
        try:
            return self.specifier.contains(Version(self.installed), prereleases=True)
        except InvalidVersion:
            return False

    @property
    def range(self) -> str:
        """The versions that fit, lowest first: ``>=4.7,<=4.8.4``."""
        return ",".join(map(str, _tightest(self.specifier)))

    @property
    def possible(self) -> bool:
        """Whether any version can fit."""
        exact = [
            clause
            for clause in self.specifier
            if clause.operator == "==" and "*" not in clause.version
        ]
        low, high = _bounds(self.specifier)
        if low is not None and high is not None:
            lowest, highest = Version(low.version), Version(high.version)
            if lowest > highest or (lowest == highest and {low.operator, high.operator} & STRICT):
                return False
        return all(self.specifier.contains(clause.version, prereleases=True) for clause in exact)

    def check(self, reason: str = "") -> DoctorCheck:
        """Return it as a check; a version that does not fit may work anyway.

        :param reason: what it is needed for
        """
        finding = self.installed or NOT_INSTALLED
        if self.fits:
            finding += f" ({self.range})" if self.range else ""
        elif self.installed is not None:
            verb = "require" if len(self.required_by) > 1 else "requires"
            finding += f", but {' and '.join(self.required_by)} {verb} {self.range}"
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
            return "no version satisfies all of them: run one in its own environment (env: auto)"
        extras = f"[{','.join(sorted(self.extras))}]" if self.extras else ""
        return f"pip install '{self.name}{extras}{self.range}'"


def wanted_packages(
    names: Iterable[str], extras: Iterable[str] = (), *, deep: bool = False
) -> list[RequiredPackage]:
    """List the dependencies of installed packages, each once; a missing package has none.

    :param names: the packages
    :param extras: extras whose dependencies are included
    :param deep: whether to include indirect dependencies
    """
    now = snapshot()
    requirements: dict[str, list[tuple[str, Requirement]]] = {}
    queue = [(name, extra) for name in names for extra in ("", *extras)]
    seen = set(queue)
    for name, extra in queue:  # grows during the loop
        for requirement in _requirements(name, extra, now):
            requirements.setdefault(canonicalize_name(requirement.name), []).append(
                (name, requirement)
            )
            follow = [
                (requirement.name, added)
                for added in (*requirement.extras, *([""] if deep else []))
            ]
            queue += [pair for pair in follow if pair not in seen]
            seen.update(follow)
    return [_merge(group, now) for group in requirements.values()]


def check_packages(package: str, reasons: Mapping[str, str]) -> list[DoctorCheck]:
    """Check some of the dependencies in a package's metadata, and report what they are for.

    ``djsb doctor`` checks the others as well.

    :param package: the package that depends on them
    :param reasons: what each dependency is needed for, by name
    """
    packages = {canonicalize_name(entry.name): entry for entry in wanted_packages([package])}
    named = {canonicalize_name(name): reason for name, reason in reasons.items()}
    return [packages[name].check(why) for name, why in named.items() if name in packages]


def extras_of(name: str) -> Mapping[str, list[RequiredPackage]]:
    """List the extras of an installed package, each with what it adds."""
    package = read_installed(name, snapshot())
    extras = package.extras if package else ()
    plain = {entry.name for entry in wanted_packages([name])} | {name}
    return {
        extra: [entry for entry in wanted_packages([name], [extra]) if entry.name not in plain]
        for extra in extras
    }


@lru_cache(maxsize=1024)
def _requirements(name: str, extra: str, now: Snapshot) -> tuple[Requirement, ...]:
    """Return the dependencies of a package on this machine, or those that one extra adds.

    A line that cannot be parsed is ignored, as by pip.
    """
    package = read_installed(name, now)
    requirements = []
    for line in package.requires if package else ():
        only = ONLY_EXTRA.search(line)
        if only and (not extra or canonicalize_name(only["extra"]) != canonicalize_name(extra)):
            continue  # parsing it would take longer
        with suppress(InvalidRequirement):
            requirement = Requirement(line)
            plain = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            added = (
                not plain and requirement.marker and requirement.marker.evaluate({"extra": extra})
            )
            if added if extra else plain:
                requirements.append(requirement)
    return tuple(requirements)


def _merge(requests: list[tuple[str, Requirement]], now: Snapshot) -> RequiredPackage:
    requirements = [requirement for _, requirement in requests]
    specifier = SpecifierSet()
    for requirement in requirements:
        specifier &= requirement.specifier
    package = read_installed(requirements[0].name, now)
    return RequiredPackage(
        requirements[0].name,
        frozenset[str]().union(*(requirement.extras for requirement in requirements)),
        specifier,
        tuple(dict.fromkeys(name for name, requirement in requests if requirement.specifier)),
        package.version if package else None,
    )


def _tightest(specifier: SpecifierSet) -> list[Specifier]:
    """Leave out redundant bounds."""
    others = sorted(
        (clause for clause in specifier if clause.operator not in LOWER + UPPER), key=str
    )
    return [clause for clause in _bounds(specifier) if clause is not None] + others


def _bounds(specifier: SpecifierSet) -> tuple[Specifier | None, Specifier | None]:
    lower = [clause for clause in specifier if clause.operator in LOWER]
    upper = [clause for clause in specifier if clause.operator in UPPER]
    return (
        max(
            lower,
            key=lambda clause: (Version(clause.version), clause.operator == ">"),
            default=None,
        ),
        min(
            upper,
            key=lambda clause: (Version(clause.version), clause.operator != "<"),
            default=None,
        ),
    )
