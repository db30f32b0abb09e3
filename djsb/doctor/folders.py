"""Checks of folders and of their disks."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.text import size_text

if TYPE_CHECKING:
    from collections.abc import Mapping

ENOUGH = 10**9
"""Less free space is reported."""
LEAST = 10**8
"""With less free space, runs are expected to fail."""


def check_folders(folders: Mapping[str, Path]) -> list[DoctorCheck]:
    """Check that folders are writable, and each of their disks once.

    A folder that does not exist is created when it is needed, so its parent is checked instead.

    :param folders: by their purpose, such as ``work_dir``
    """
    disks: dict[int, list[tuple[str, Path]]] = {}
    checks = []
    refused: set[Path] = set()
    for subject, folder in folders.items():
        existing = _existing(folder)
        if existing in refused:
            continue  # already reported
        check = _check_access(subject, folder, existing)
        checks.append(check)
        if not check.ok:
            refused.add(existing)
        disks.setdefault(existing.stat().st_dev, []).append((subject, existing))
    return checks + [check for places in disks.values() for check in _check_disk(places)]


def check_temporary_folder() -> DoctorCheck:
    """Check that programs can be started from the temporary folder: some packages need it."""
    folder = Path(tempfile.gettempdir())
    forbidden = bool(os.statvfs(folder).f_flag & os.ST_NOEXEC)
    return DoctorCheck(
        "programs in the temporary folder",
        ok=not forbidden,
        finding=f"{folder} {'is mounted noexec' if forbidden else 'allows them'}",
        remedy="set TMPDIR to another folder" if forbidden else "",
        kind=CheckKind.ACCESS,
        required=False,
        path=folder,
    )


def _existing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    absolute = folder.absolute()
    for parent in (absolute, *absolute.parents):
        try:
            if parent.exists():
                return parent
        except OSError:  # a folder without permission, a name that is too long
            continue
    return Path(absolute.anchor)


def _check_access(subject: str, folder: Path, existing: Path) -> DoctorCheck:
    problem = _try_to_write(existing)
    alternative = "" if existing.is_dir() else "choose another folder"
    state = "is writable" if existing == folder.absolute() else "will be created"
    return DoctorCheck(
        subject,
        ok=problem is None,
        finding=f"{folder} {state}" if problem is None else f"cannot use {folder}: {problem}",
        remedy=""
        if problem is None
        else alternative or f"make {existing} writable, or choose another",
        kind=CheckKind.ACCESS,
        path=folder,
    )


def _try_to_write(folder: Path) -> str | None:
    if not folder.is_dir():
        return f"{folder} is not a folder"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"{folder}: {error.strerror}"


def _check_disk(places: list[tuple[str, Path]]) -> list[DoctorCheck]:
    usage = shutil.disk_usage(places[0][1])
    if usage.total == 0:  # not a disk but a virtual file system
        return []
    others = ", ".join(subject for subject, _ in places[1:])
    ok = usage.free >= ENOUGH
    check = DoctorCheck(
        f"disk of {places[0][0]}",
        ok=ok,
        finding=f"{size_text(usage.free)} free" + (f"; also of {others}" if others else ""),
        remedy="" if ok else f"free disk space: at least {size_text(ENOUGH)}",
        kind=CheckKind.DISK,
        required=usage.free < LEAST,
        size=usage.free,
    )
    return [check]
