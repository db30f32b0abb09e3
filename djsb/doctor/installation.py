"""Checks of this installation: the machine, djsb itself, and plugins by name."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.doctor.check_group import CheckGroup, merge_groups
from djsb.doctor.dependencies import check_extra, check_extras, check_indirect
from djsb.doctor.devices import check_gpus
from djsb.doctor.folders import check_folders, check_temporary_folder
from djsb.doctor.plugin_checks import check_plugins
from djsb_core.discovery import (
    CHECKS,
    COMMANDS,
    LISTENERS,
    REPORTERS,
    list_components,
    load_isolation,
)
from djsb_core.errors import RequestError, suggest
from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.interfaces.kinds import Kind
from djsb_core.machine.installed import installed_version
from djsb_core.machine.packages import wanted_packages
from djsb_core.published import CORE, LAB

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


PREFIX = "djsb-"
OWN = (LAB, CORE)
"""The packages of djsb itself."""


def examine_installation() -> list[CheckGroup]:
    """Check djsb itself and every installed plugin."""
    names = [*OWN, *list_plugins()]
    here = {
        "current folder": Path.cwd(),
        **_environments_folder(),
        "temporary files": Path(tempfile.gettempdir()),
    }
    machine = [_check_python(), *check_folders(here), check_temporary_folder(), _check_managers()]
    return _groups(names, machine, with_extras=names)


def examine_packages(
    names: Sequence[str], trackers: Sequence[str] = (), *, with_extras: Collection[str] = ()
) -> list[CheckGroup]:
    """Check packages, and the requested trackers.

    :param with_extras: the packages whose extras are checked, too
    """
    checks = [
        check
        for info in list_components(Kind.TRACKER.group)
        if info.name in trackers
        for check in check_extra(info.package, info.name)
    ]
    groups = _groups(names, [], with_extras=with_extras, trackers=trackers)
    return merge_groups([*groups, CheckGroup("trackers", checks)])


def list_plugins() -> list[str]:
    """List the installed packages that extend djsb, without djsb itself."""
    groups = [*(kind.group for kind in Kind), LISTENERS, COMMANDS, REPORTERS, CHECKS]
    return sorted({info.package for group in groups for info in list_components(group)} - {*OWN})


def find_plugin(name: str) -> str:
    """Return the full name of an installed plugin.

    :raises RequestError: if there is no such plugin
    """
    known = {_plain(package): package for package in (*OWN, *list_plugins())}
    short = {name.removeprefix(PREFIX): package for name, package in known.items()}
    match = known.get(_plain(name)) or short.get(_plain(name))
    if match is None:
        raise RequestError(f"no plugin and no file '{name}'; {suggest(_plain(name), short)}")
    return match


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _groups(
    names: Sequence[str],
    machine: Sequence[DoctorCheck],
    *,
    with_extras: Collection[str] = (),
    trackers: Sequence[str] = (),
) -> list[CheckGroup]:
    uses_torch = any(requirement.name == "torch" for requirement in wanted_packages(names))
    gpus = check_gpus() if uses_torch or machine else []
    nvidia = any(gpu.subject != "GPU" for gpu in gpus)
    checks_by_package = dict(check_plugins(names, trackers=trackers, beside_gpu=nvidia))
    first = [*machine, *gpus]
    groups = [CheckGroup("this machine", first)] if first else []
    for name, checks in checks_by_package.items():
        extras = check_extras(name) if name in with_extras else []
        groups.append(
            CheckGroup(f"{name} {installed_version(name) or ''}".strip(), checks + extras)
        )
    if names:
        groups.append(CheckGroup("indirect dependencies", check_indirect(names)))
    return merge_groups(groups)


def _environments_folder() -> dict[str, Path]:
    """Return the folder of isolated environments, if a package creates them."""
    with suppress(RequestError):
        return {"environments": load_isolation().root()}
    return {}


def _check_python() -> DoctorCheck:
    finding = f"{platform.python_version()} at {sys.executable}"
    return DoctorCheck("python", ok=True, finding=finding)


def _check_managers() -> DoctorCheck:
    """Report which environment managers are installed; none is required."""
    known = [info.name for info in list_components(Kind.ENVIRONMENT.group)]
    installed = [name for name in known if shutil.which(name) or find_spec(name)]
    others = [name for name in known if name not in installed]
    finding = ", ".join(installed) or "none"
    finding += f"; not installed: {', '.join(others)}" if others else ""
    return DoctorCheck(
        "environment managers", ok=True, finding=finding, kind=CheckKind.COMMAND, required=False
    )
