"""What installed packages need and whether it is there, package by package."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pluggy
from packaging.utils import canonicalize_name

from djsb.doctor.devices import check_torch
from djsb_core import hookspecs
from djsb_core.announced import announced, package_of
from djsb_core.discovery import LISTENERS
from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.machine.checks import check_command
from djsb_core.machine.packages import wanted_packages

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from importlib.metadata import EntryPoint

COMMANDS = {"pyspark": "java", "ffmpeg-python": "ffmpeg"}
"""The program that a package starts, and that pip does not install."""

PKG_RESOURCES_USERS = ("openai-clip", "clip-anytorch")
"""Packages that import ``pkg_resources``, which setuptools 82 left out, and do not say so."""


def check_plugins(
    names: Sequence[str],
    *,
    trackers: Collection[str] = (),
    beside_gpu: bool = False,
    name_broken: bool = True,
) -> Mapping[str, list[DoctorCheck]]:
    """Check what packages need; what several of them need stands with the first.

    :param names: the packages' names, as their metadata has them
    :param trackers: listeners that are asked besides, whatever package they are of
    :param beside_gpu: whether to look if torch can use an NVIDIA card
    :param name_broken: whether to name listeners that cannot be loaded; a run does so itself
    """
    own = check_listeners(names, trackers, name_broken=name_broken)
    checks = {name: own.pop(name, []) for name in names}  # first: they say what a package is for
    owners: dict[str, str] = {}
    for name in names:
        for one in wanted_packages([name]):
            owners.setdefault(canonicalize_name(one.name), name)
    for one in wanted_packages(names):
        checks[owners[canonicalize_name(one.name)]].append(one.check())
    if "torch" in owners:
        used = "transformers" in owners
        checks[owners["torch"]] += check_torch(beside_gpu=beside_gpu, transformers=used)
    return once({**checks, **own})


def check_listeners(
    packages: Collection[str], trackers: Collection[str] = (), *, name_broken: bool = True
) -> dict[str, list[DoctorCheck]]:
    """Ask the listeners of packages for their own checks, by package.

    One that cannot be asked is a check that fails: a plugin's own fault breaks only itself.
    """
    checks: dict[str, list[DoctorCheck]] = {}
    for entry in announced(LISTENERS):
        package, _ = package_of(entry)
        if package not in packages and entry.name not in trackers:
            continue
        try:
            manager = _register_alone(entry)  # so that it is known whose checks it is
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a plugin may raise anything)
            found = [_fault(entry.name, "cannot be loaded", error)] if name_broken else []
        else:
            found = _checks_of(entry.name, manager)
        checks.setdefault(package, []).extend(found)
    return checks


def well_formed(found: object) -> list[DoctorCheck]:
    """Return a plugin's checks, if that is what they are.

    :raises TypeError: if they are not
    """
    checks: list[DoctorCheck] = []
    for one in found if isinstance(found, Iterable) else [found]:
        if not isinstance(one, DoctorCheck) or not _has_texts(one):
            raise TypeError(f"not a list of DoctorCheck with texts: {one!r}")
        checks.append(one)
    return checks


def check_in_turn(names: Sequence[str]) -> list[DoctorCheck]:
    """Check what the packages that these need ask for in turn, as ``pip check`` does.

    :return: what does not fit; programs and modules that they use without saying so; and, if all
        packages fit, how many there are
    """
    direct = {canonicalize_name(one.name) for one in wanted_packages(names)}
    wanted = {canonicalize_name(one.name): one for one in wanted_packages(names, deep=True)}
    beyond = [one for name, one in wanted.items() if name not in direct]
    wrong = [one.check() for one in beyond if not one.fits]
    if not wrong:
        finding = f"{len(beyond)} packages, all there and in a version that fits"
        wrong = [DoctorCheck("what these need", ok=True, finding=finding, kind=CheckKind.PACKAGE)]
    installed = {name for name, one in wanted.items() if one.installed is not None}
    commands = [
        check_command(command, package, required=False)
        for package, command in COMMANDS.items()
        if package in installed
    ]
    return [*wrong, *commands, *_check_pkg_resources(installed.intersection(PKG_RESOURCES_USERS))]


def once(checks: Mapping[str, Iterable[DoctorCheck]]) -> dict[str, list[DoctorCheck]]:
    """Keep one check of each subject and finding.

    Of several of one package, all but the first that failed (else the first) are left out.
    """
    best: dict[tuple[str, ...], DoctorCheck] = {}
    for found in checks.values():
        for check in found:
            key = _key(check)
            if key not in best or (best[key].ok and not check.ok):
                best[key] = check
    kept: dict[str, list[DoctorCheck]] = {name: [] for name in checks}
    for name, found in checks.items():
        for check in found:
            if best.get(_key(check)) is check:
                kept[name].append(check)
                del best[_key(check)]  # the same one may stand in two places
    return kept


def _key(check: DoctorCheck) -> tuple[str, ...]:
    package = check.kind is CheckKind.PACKAGE
    return (check.kind, check.subject, "" if package else check.finding)


def _register_alone(entry: EntryPoint) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.NAMESPACE)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load(), entry.name)
    manager.check_pending()
    return manager


def _checks_of(listener: str, manager: pluggy.PluginManager) -> list[DoctorCheck]:
    try:
        found = manager.hook.djsb_doctor_checks()
        return [check for checks in found for check in well_formed(checks)]
    except (Exception, SystemExit) as error:  # noqa: BLE001 (a plugin may raise anything)
        return [_fault(listener, "its checks fail", error)]


def _has_texts(check: DoctorCheck) -> bool:
    return all(isinstance(text, str) for text in (check.subject, check.finding, check.remedy))


def _fault(listener: str, what: str, error: BaseException) -> DoctorCheck:
    text = f"{what}: {type(error).__name__}: {error}"
    return DoctorCheck(f"listener '{listener}'", ok=False, finding=text, required=False)


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
