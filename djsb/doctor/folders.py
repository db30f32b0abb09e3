"""Checks of folders and the disks that they are on."""

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
"""Less is worth a note."""
LEAST = 10**8
"""With less, nothing can be expected to end well."""


def check_folders(folders: Mapping[str, Path]) -> list[DoctorCheck]:
    """Check that folders can be written to, and the disk that each of them is on, once.

    A folder that does not exist is made when it is needed; that its parent allows it counts.

    :param folders: by what they are: ``work_dir``
    """
    disks: dict[int, list[tuple[str, Path]]] = {}
    checks = []
    refused: set[Path] = set()
    for subject, folder in folders.items():
        there = _existing(folder)
        if there in refused:
            continue  # said already
        check = _check_access(subject, folder, there)
        checks.append(check)
        if not check.ok:
            refused.add(there)
        disks.setdefault(there.stat().st_dev, []).append((subject, there))
    return checks + [check for places in disks.values() for check in _check_disk(places)]


def check_temporary_folder() -> DoctorCheck:
    """Check that programs can be started from the temporary folder: some packages need it."""
    folder = Path(tempfile.gettempdir())
    forbidden = bool(os.statvfs(folder).f_flag & os.ST_NOEXEC)
    return DoctorCheck(
        "programs in the temporary folder",
        ok=not forbidden,
        finding=f"{folder} {'is mounted noexec' if forbidden else 'can hold them'}",
        remedy="set TMPDIR to another folder" if forbidden else "",
        kind=CheckKind.ACCESS,
        required=False,
        path=folder,
    )


def _existing(folder: Path) -> Path:
    """Return a folder's nearest parent that exists, or itself."""
    absolute = folder.absolute()
    for parent in (absolute, *absolute.parents):
        try:
            if parent.exists():
                return parent
        except OSError:  # a folder that may not be entered, a name that is too long
            continue
    return Path(absolute.anchor)


def _check_access(subject: str, folder: Path, there: Path) -> DoctorCheck:
    problem = _try_to_write(there)
    another = "" if there.is_dir() else "choose another place"
    found = "can be written to" if there == folder.absolute() else "will be made"
    return DoctorCheck(
        subject,
        ok=problem is None,
        finding=f"{folder} {found}" if problem is None else f"cannot use {folder}: {problem}",
        remedy="" if problem is None else another or f"make {there} writable, or choose another",
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
    if usage.total == 0:  # no disk, but what the system shows as files
        return []
    others = ", ".join(subject for subject, _ in places[1:])
    ok = usage.free >= ENOUGH
    check = DoctorCheck(
        f"disk of {places[0][0]}",
        ok=ok,
        finding=f"{size_text(usage.free)} free" + (f"; also of {others}" if others else ""),
        remedy="" if ok else f"make space: at least {size_text(ENOUGH)}",
        kind=CheckKind.DISK,
        required=usage.free < LEAST,
        size=usage.free,
    )
    return [check]
