"""Checks of files and commands."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.text import size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

INDEX = ".index.json"
SHA256 = re.compile("[0-9a-f]{64}")
POINTER = b"version https://git-lfs"
LARGEST_POINTER = 1024
"""In bytes, from the specification of git-lfs."""


def check_command(name: str, needed_for: str, *, required: bool = True) -> DoctorCheck:
    """Check that a program is on the path.

    :param needed_for: what needs it
    """
    path = shutil.which(name)
    return DoctorCheck(
        name,
        ok=path is not None,
        finding=path or f"command not found; {needed_for} needs it",
        remedy="" if path else f"install {name} with your system's package manager",
        kind=CheckKind.COMMAND,
        required=required,
        path=Path(path) if path else None,
    )


def check_file(
    subject: str, path: Path, absent: str = "not found", remedy: str = "", *, required: bool = True
) -> DoctorCheck:
    """Check that a file exists, and report its size.

    In the cache of a hub, a link points to a file named by its digest, which is then known without
    reading it.

    :param absent: the finding if it does not exist
    """
    exists = path.is_file()
    size = path.stat().st_size if exists else None
    digest = path.resolve().name if path.is_symlink() else ""
    prefix = "" if subject == str(path) else f"{path}, "
    return DoctorCheck(
        subject,
        ok=exists,
        finding=absent if size is None else f"{prefix}{size_text(size)}",
        remedy="" if exists else remedy,
        kind=CheckKind.FILE,
        required=required,
        path=path,
        size=size,
        sha256=digest if SHA256.fullmatch(digest) else None,
    )


def check_weights(
    folder: Path, what: str, patterns: Sequence[str], *, absent: str, remedy: str = ""
) -> list[DoctorCheck]:
    """Check that a folder has files of one kind, including all that an index next to them lists.

    None may be empty, or a git-lfs pointer.

    :param what: usual name of such a file: ``model.safetensors``
    :param patterns: accepted names, best first; the first one with a match is used
    :param absent: the finding if there is no such file
    """
    files, pattern = next(
        ((paths, pattern) for pattern in patterns if (paths := sorted(folder.glob(pattern)))),
        ([], ""),
    )
    if not files:
        return [check_file(str(folder / what), folder / what, absent, remedy)]
    missing = _indexed(folder, f"{pattern}{INDEX}") - {path.name for path in files}
    parts = [
        check_file(str(folder / name), folder / name, f"missing part of {what}", remedy)
        for name in sorted(missing)
    ]
    damaged = [check for path in files if (check := _damaged(path, remedy)) is not None]
    if damaged:
        return [*damaged, *parts]
    if len(files) == 1:
        return [check_file(str(files[0]), files[0]), *parts]
    size = sum(path.stat().st_size for path in files)
    text = f"{len(files)} files, {size_text(size)}"
    whole = DoctorCheck(
        str(folder / what), ok=True, finding=text, kind=CheckKind.FILE, path=folder, size=size
    )
    return [whole, *parts]


def _damaged(path: Path, remedy: str) -> DoctorCheck | None:
    """Return a failed check if a file is empty, or a pointer to one not downloaded by git-lfs."""
    size = path.stat().st_size
    finding = "empty: an unfinished copy or download" if size == 0 else ""
    if 0 < size < LARGEST_POINTER and path.read_bytes().startswith(POINTER):
        finding, remedy = "a git-lfs pointer, not the file itself", "run: git lfs pull"
    if not finding:
        return None
    return DoctorCheck(
        str(path),
        ok=False,
        finding=finding,
        remedy=remedy,
        kind=CheckKind.FILE,
        path=path,
        size=size,
    )


def _indexed(folder: Path, pattern: str) -> set[str]:
    """Return the names of the files that a model is split into, according to its index."""
    names: set[str] = set()
    for index in folder.glob(pattern):
        if index.with_name(index.name.removesuffix(INDEX)).exists():
            continue  # the unsplit file, which is preferred
        try:
            parts = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # the library that loads the model reports it
        names.update(map(str, parts))
    return names
