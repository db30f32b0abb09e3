"""Checks of what installed packages need, package by package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from djsb.doctor.check_group import unique_checks
from djsb.doctor.devices import check_torch
from djsb_core.discovery import (
    find_broken_listeners,
    find_component,
    load_checks,
    load_component,
)
from djsb_core.errors import DjsbError, PluginLoadError, RequestError
from djsb_core.foreign import PluginFault, contained
from djsb_core.hookspecs import DoctorCheck
from djsb_core.interfaces.kinds import Kind
from djsb_core.machine.packages import wanted_packages

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def check_plugins(
    names: Sequence[str],
    *,
    trackers: Collection[str] = (),
    beside_gpu: bool = False,
    listeners: bool = True,
) -> Mapping[str, list[DoctorCheck]]:
    """Check what packages need; a shared dependency is listed with the first of them.

    :param names: names of the packages, as in their metadata
    :param trackers: trackers to check as well, whatever their packages
    :param beside_gpu: whether to check that torch can use an NVIDIA GPU
    :param listeners: whether to check their listeners; every run warns of broken ones
    """
    own = own_checks(names, listeners=listeners)
    checks = {name: own.get(name, []) for name in names}  # first: they show what a package is for
    owners: dict[str, str] = {}
    for name in names:
        for wanted in wanted_packages([name]):
            owners.setdefault(canonicalize_name(wanted.name), name)
    for wanted in wanted_packages(names):
        checks[owners[canonicalize_name(wanted.name)]].append(wanted.check())
    if "torch" in owners:
        used = "transformers" in owners
        checks[owners["torch"]] += check_torch(beside_gpu=beside_gpu, transformers=used)
    for package, needs in tracker_needs(trackers).items():
        checks.setdefault(package, []).extend(needs)
    return unique_checks(checks)


def own_checks(
    packages: Collection[str], *, listeners: bool = True
) -> dict[str, list[DoctorCheck]]:
    """Run the checks that packages register under ``djsb.checks``, by package.

    One that cannot be run counts as a failed check: a broken plugin breaks only itself.
    """
    checks: dict[str, list[DoctorCheck]] = {}
    for package, ask in load_checks(packages):
        checks.setdefault(package, []).extend(_ask(package, ask))
    for package, error in find_broken_listeners(packages) if listeners else ():
        checks.setdefault(package, []).append(_fault("listener", str(error)))
    return checks


def tracker_needs(trackers: Collection[str]) -> dict[str, list[DoctorCheck]]:
    """Return the checks of what trackers need, by package."""
    needs: dict[str, list[DoctorCheck]] = {}
    for name in trackers:
        try:
            package = find_component(Kind.TRACKER, name).package
        except RequestError:
            continue  # a problem of the experiment
        needs.setdefault(package, []).extend(_needs_of_tracker(name))
    return needs


def well_formed(checks: object) -> list[DoctorCheck]:
    """Return a plugin's checks as a list.

    :raises TypeError: if they are not checks
    """
    well_formed_checks: list[DoctorCheck] = []
    for check in checks if isinstance(checks, Iterable) else [checks]:
        if not isinstance(check, DoctorCheck) or not _has_texts(check):
            raise TypeError(f"not a list of DoctorCheck with texts: {check!r}")
        well_formed_checks.append(check)
    return well_formed_checks


def _ask(package: str, ask: object) -> list[DoctorCheck]:
    subject = f"checks of {package}"
    if isinstance(ask, PluginLoadError):
        return [_fault(subject, str(ask))]
    if not callable(ask):
        return [_fault(subject, f"not a function: {ask!r}")]
    try:
        with contained(subject):
            return well_formed(ask())
    except (PluginFault, DjsbError) as fault:
        return [_fault(subject, f"failed: {fault}")]


def _needs_of_tracker(name: str) -> list[DoctorCheck]:
    subject = f"tracker '{name}'"
    try:
        tracker = load_component(Kind.TRACKER, name)
        with contained(subject):
            return well_formed(tracker(tracker.config_type()).needs())
    except DjsbError as error:
        return [_fault(subject, str(error))]
    except PluginFault as fault:
        return [_fault(subject, f"its needs cannot be listed: {fault}")]


def _fault(subject: str, finding: str) -> DoctorCheck:
    return DoctorCheck(subject, ok=False, finding=finding, required=False)


def _has_texts(check: DoctorCheck) -> bool:
    return all(isinstance(text, str) for text in (check.subject, check.finding, check.remedy))
