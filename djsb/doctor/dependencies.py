"""Packages that installed packages depend on: their extras, and what those need in turn."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.machine.checks import check_command
from djsb_core.machine.packages import extras_of, wanted_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from djsb_core.machine.packages import RequiredPackage

FOR_DEVELOPERS = frozenset({"dev", "doc", "docs", "lint", "test", "tests"})
"""Extras that only those need who change a package."""

COMMANDS = {"pyspark": "java", "ffmpeg-python": "ffmpeg"}
"""The program that a package starts, and that pip does not install."""

PKG_RESOURCES_USERS = ("openai-clip", "clip-anytorch")
"""Packages that import ``pkg_resources``, which setuptools 82 left out, and do not say so."""


def check_indirect(names: Sequence[str]) -> list[DoctorCheck]:
    """Check what the dependencies of packages depend on, as ``pip check`` does.

    :return: what does not fit; programs and modules that they use without saying so; and, if all
        packages fit, how many there are
    """
    direct = {canonicalize_name(wanted.name) for wanted in wanted_packages(names)}
    everything = {
        canonicalize_name(wanted.name): wanted for wanted in wanted_packages(names, deep=True)
    }
    indirect = [wanted for name, wanted in everything.items() if name not in direct]
    checks = [wanted.check() for wanted in indirect if not wanted.fits]
    if not checks:
        finding = f"{len(indirect)} packages, all installed in a version that fits"
        checks = [DoctorCheck("dependencies", ok=True, finding=finding, kind=CheckKind.PACKAGE)]
    installed = {name for name, wanted in everything.items() if wanted.installed is not None}
    commands = [
        check_command(command, package, required=False)
        for package, command in COMMANDS.items()
        if package in installed
    ]
    return [*checks, *commands, *_check_pkg_resources(installed.intersection(PKG_RESOURCES_USERS))]


def check_extras(package: str) -> list[DoctorCheck]:
    """Check each extra of a package that is not for developers alone; to lack it is no fault."""
    return [
        _check_extra(package, extra, wanted, asked=False)
        for extra, wanted in extras_of(package).items()
        if extra not in FOR_DEVELOPERS and wanted
    ]


def check_extra(package: str, extra: str) -> list[DoctorCheck]:
    """Check one extra that is asked for, if the package has it."""
    return [
        _check_extra(package, name, wanted, asked=True)
        for name, wanted in extras_of(package).items()
        if name == extra
    ]


def _check_extra(
    package: str, extra: str, wanted: Sequence[RequiredPackage], *, asked: bool
) -> DoctorCheck:
    absent = [one.name for one in wanted if one.installed is None]
    unfit = [
        f"{one.name} {one.installed}, wanted {one.range}"
        for one in wanted
        if one.installed is not None and not one.fits
    ]
    finding = [", ".join(unfit)] if unfit else []
    if absent:
        finding.append(f"not installed: {', '.join(absent)}{'' if asked else ' (optional)'}")
    ok = not unfit and not (absent and asked)
    return DoctorCheck(
        f"{package}[{extra}]",
        ok=ok,
        finding="; ".join(finding) or ", ".join(f"{one.name} {one.installed}" for one in wanted),
        remedy="" if ok else f"pip install '{package}[{extra}]'",
        kind=CheckKind.PACKAGE,
        required=False,
    )


def _check_pkg_resources(users: Iterable[str]) -> list[DoctorCheck]:
    there = find_spec("pkg_resources") is not None
    return [
        DoctorCheck(
            "pkg_resources",
            ok=there,
            finding=f"{user} imports it" if there else f"not there; {user} imports it",
            remedy="" if there else "pip install 'setuptools<82'",
            kind=CheckKind.PACKAGE,
        )
        for user in sorted(users)
    ]
