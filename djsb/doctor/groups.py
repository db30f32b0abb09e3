"""Checks, grouped by the package that they are about."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.doctor.devices import check_gpus
from djsb.doctor.folders import check_folders, check_temporary_folder
from djsb.doctor.plugin_checks import check_in_turn, check_plugins, once
from djsb_core.discovery import COMMANDS, LISTENERS, list_components, load_isolation
from djsb_core.errors import RequestError, suggest
from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.interfaces.kinds import Kind
from djsb_core.machine.installed import installed_version
from djsb_core.machine.packages import extras_of, wanted_packages
from djsb_core.published import CORE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from djsb_core.machine.packages import Wanted

PREFIX = "djsb-"
FOR_DEVELOPERS = frozenset({"dev", "doc", "docs", "lint", "test", "tests"})
"""Extras that only those need who change a package."""


@dataclass(frozen=True)
class Group:
    """What was looked at for one package, or for one experiment."""

    title: str
    checks: Sequence[DoctorCheck]


def examine_installation() -> list[Group]:
    """Check the core and every installed plugin."""
    names = [CORE, *list_plugins()]
    here = {
        "the folder here": Path.cwd(),
        **_environments_folder(),
        "temporary files": Path(tempfile.gettempdir()),
    }
    machine = [_check_python(), *check_folders(here), check_temporary_folder(), _check_managers()]
    return _groups(names, machine, with_extras=names)


def examine_packages(
    names: Sequence[str], trackers: Sequence[str] = (), *, with_extras: Collection[str] = ()
) -> list[Group]:
    """Check packages, and the trackers that are asked for.

    :param with_extras: those of the packages whose extras are checked, too
    """
    asked = [
        _check_extra(info.package, info.name, wanted, asked=True)
        for info in list_components(LISTENERS)
        if info.name in trackers
        for extra, wanted in extras_of(info.package).items()
        if extra == info.name
    ]
    groups = _groups(names, [], with_extras=with_extras, trackers=trackers)
    return merge([*groups, Group("trackers", asked)])


def merge(groups: Sequence[Group]) -> list[Group]:
    """Join groups of one title, and show what several have in common once."""
    checks: dict[str, list[DoctorCheck]] = {}
    for group in groups:
        checks.setdefault(group.title, []).extend(group.checks)
    return [Group(title, found) for title, found in once(checks).items() if found]


def list_plugins() -> list[str]:
    """Name the installed packages that offer anything, the core left out."""
    groups = [*(kind.group for kind in Kind), LISTENERS, COMMANDS]
    return sorted({one.package for group in groups for one in list_components(group)} - {CORE})


def find_plugin(name: str) -> str:
    """Return the name of the installed plugin that is meant.

    :raises RequestError: if there is none
    """
    known = {_plain(one): one for one in (CORE, *list_plugins())}
    short = {one.removeprefix(PREFIX): package for one, package in known.items()}
    found = known.get(_plain(name)) or short.get(_plain(name))
    if found is None:
        raise RequestError(f"no plugin and no file '{name}'; {suggest(_plain(name), short)}")
    return found


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _groups(
    names: Sequence[str],
    machine: Sequence[DoctorCheck],
    *,
    with_extras: Collection[str] = (),
    trackers: Sequence[str] = (),
) -> list[Group]:
    uses_torch = any(one.name == "torch" for one in wanted_packages(names))
    gpus = check_gpus() if uses_torch or machine else []
    nvidia = any(gpu.subject != "GPU" for gpu in gpus)
    found = dict(check_plugins(names, trackers=trackers, beside_gpu=nvidia))
    first = [*machine, *gpus]
    groups = [Group("this machine", first)] if first else []
    for name, checks in found.items():
        extras = _check_extras(name) if name in with_extras else []
        groups.append(Group(f"{name} {installed_version(name) or ''}".strip(), checks + extras))
    if names:
        groups.append(Group("what these packages need in turn", check_in_turn(names)))
    return merge(groups)


def _environments_folder() -> dict[str, Path]:
    """Return where isolated environments are kept, if a package makes any."""
    with suppress(RequestError):
        return {"environments": load_isolation().root()}
    return {}


def _check_python() -> DoctorCheck:
    finding = f"{platform.python_version()} at {sys.executable}"
    return DoctorCheck("python", ok=True, finding=finding)


def _check_managers() -> DoctorCheck:
    """Say which managers of isolated environments are there; a job that wants one names it."""
    known = [info.name for info in list_components(Kind.ENVIRONMENT.group)]
    there = [name for name in known if shutil.which(name) or find_spec(name)]
    others = [name for name in known if name not in there]
    finding = ", ".join(there) or "none"
    finding += f"; not there: {', '.join(others)}" if others else ""
    return DoctorCheck(
        "environment managers", ok=True, finding=finding, kind=CheckKind.COMMAND, required=False
    )


def _check_extras(name: str) -> list[DoctorCheck]:
    return [
        _check_extra(name, extra, wanted, asked=False)
        for extra, wanted in extras_of(name).items()
        if extra not in FOR_DEVELOPERS and wanted
    ]


def _check_extra(name: str, extra: str, wanted: Sequence[Wanted], *, asked: bool) -> DoctorCheck:
    """Check an extra: not to have it is no fault, unless it is asked for."""
    absent = [one.name for one in wanted if one.installed is None]
    unfit = [f"{one.name} {one.installed}, wanted {one.range}" for one in wanted if not one.fits]
    unfit = [text for text in unfit if " None, " not in text]
    finding = [", ".join(unfit)] if unfit else []
    if absent:
        finding.append(f"not installed: {', '.join(absent)}{'' if asked else ' (optional)'}")
    ok = not unfit and not (absent and asked)
    return DoctorCheck(
        f"{name}[{extra}]",
        ok=ok,
        finding="; ".join(finding) or ", ".join(f"{one.name} {one.installed}" for one in wanted),
        remedy="" if ok else f"pip install '{name}[{extra}]'",
        kind=CheckKind.PACKAGE,
        required=False,
    )
