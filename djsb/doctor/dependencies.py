"""Dependencies of installed packages: their extras and their indirect dependencies."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.machine.checks import check_command
from djsb_core.machine.packages import extras_of, wanted_packages
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from djsb_core.machine.packages import RequiredPackage

FOR_DEVELOPERS = frozenset({"dev", "doc", "docs", "lint", "test", "tests"})
"""Extras that only the developers of a package need."""

COMMANDS = {"pyspark": "java", "ffmpeg-python": "ffmpeg"}
"""Programs that packages start, and that pip does not install."""

PKG_RESOURCES_USERS = ("openai-clip", "clip-anytorch")
"""Packages with an undeclared import of ``pkg_resources``, which setuptools 82 removed."""


def check_indirect(names: Sequence[str]) -> list[DoctorCheck]:
    """Check the indirect dependencies of packages, as ``pip check`` does.

    :return: conflicting versions, or the number of packages if there are none; and programs and
        modules that packages use without declaring them
    """
    direct = {canonicalize_name(requirement.name) for requirement in wanted_packages(names)}
    everything = {
        canonicalize_name(requirement.name): requirement
        for requirement in wanted_packages(names, deep=True)
    }
    indirect = [requirement for name, requirement in everything.items() if name not in direct]
    checks = [requirement.check() for requirement in indirect if not requirement.fits]
    if not checks:
        finding = f"{counted(len(indirect), 'package')}, all installed in a compatible version"
        checks = [DoctorCheck("dependencies", ok=True, finding=finding, kind=CheckKind.PACKAGE)]
    installed = {
        name for name, requirement in everything.items() if requirement.installed is not None
    }
    commands = [
        check_command(command, package, required=False)
        for package, command in COMMANDS.items()
        if package in installed
    ]
    return [*checks, *commands, *_check_pkg_resources(installed.intersection(PKG_RESOURCES_USERS))]


def check_extras(package: str) -> list[DoctorCheck]:
    """Check each extra of a package that is not only for developers; none is required."""
    return [
        _check_extra(package, extra, requirements, requested=False)
        for extra, requirements in extras_of(package).items()
        if extra not in FOR_DEVELOPERS and requirements
    ]


def check_extra(package: str, extra: str) -> list[DoctorCheck]:
    """Check one required extra, if the package has it."""
    return [
        _check_extra(package, name, requirements, requested=True)
        for name, requirements in extras_of(package).items()
        if name == extra
    ]


def _check_extra(
    package: str, extra: str, requirements: Sequence[RequiredPackage], *, requested: bool
) -> DoctorCheck:
    absent = [requirement.name for requirement in requirements if requirement.installed is None]
    unfit = [
        f"{requirement.name} {requirement.installed}, requires {requirement.range}"
        for requirement in requirements
        if requirement.installed is not None and not requirement.fits
    ]
    finding = [", ".join(unfit)] if unfit else []
    if absent:
        finding.append(f"not installed: {', '.join(absent)}{'' if requested else ' (optional)'}")
    ok = not unfit and not (absent and requested)
    return DoctorCheck(
        f"{package}[{extra}]",
        ok=ok,
        finding="; ".join(finding)
        or ", ".join(f"{requirement.name} {requirement.installed}" for requirement in requirements),
        remedy="" if ok else f"pip install '{package}[{extra}]'",
        kind=CheckKind.PACKAGE,
        required=False,
    )


def _check_pkg_resources(users: Iterable[str]) -> list[DoctorCheck]:
    is_installed = find_spec("pkg_resources") is not None
    return [
        DoctorCheck(
            "pkg_resources",
            ok=is_installed,
            finding=f"{user} imports it" if is_installed else f"not installed; {user} imports it",
            remedy="" if is_installed else "pip install 'setuptools<82'",
            kind=CheckKind.PACKAGE,
        )
        for user in sorted(users)
    ]
