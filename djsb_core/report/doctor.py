"""What this installation has and lacks."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.discovery import create_listeners, notify
from djsb_core.hookspecs import DoctorCheck
from djsb_core.report.format import table

if TYPE_CHECKING:
    from collections.abc import Sequence

ENOUGH_DISK = 2**30


def find_checks() -> list[DoctorCheck]:
    """Collect the core's checks and those of every plugin, one a subject."""
    found = {check.subject: check for check in _core_checks()}
    for checks in notify(create_listeners(), "djsb_doctor_checks"):
        for check in checks:
            known = found.get(check.subject)
            if known is None or known.ok:  # plugins share needs; one that fails must be seen
                found[check.subject] = check
    return list(found.values())


def checks_table(checks: Sequence[DoctorCheck]) -> str:
    """Lay the checks out as a table, with a remedy for each that failed."""
    rows = [
        (check.subject, "ok" if check.ok else "MISSING", check.finding, check.remedy)
        for check in checks
    ]
    return table(rows, ("subject", "", "finding", "remedy"))


def _core_checks() -> tuple[DoctorCheck, ...]:
    free = shutil.disk_usage(Path.cwd()).free
    return (
        DoctorCheck("python", ok=True, finding=f"{platform.python_version()} at {sys.executable}"),
        DoctorCheck(
            "disk",
            ok=free >= ENOUGH_DISK,
            finding=f"{free / 2**30:.1f} GiB free here",
            remedy="" if free >= ENOUGH_DISK else "free at least 1 GiB",
        ),
    )
