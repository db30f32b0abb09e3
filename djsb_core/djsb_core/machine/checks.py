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
"""In bytes, as the specification of git-lfs has it."""


def check_command(name: str, needed_for: str, *, required: bool = True) -> DoctorCheck:
    """Check that a program can be started by its name.

    :param needed_for: who needs it
    """
    found = shutil.which(name)
    return DoctorCheck(
        name,
        ok=found is not None,
        finding=found or f"no such command; {needed_for} needs it",
        remedy="" if found else f"install {name} with your system's package manager",
        kind=CheckKind.COMMAND,
        required=required,
        path=Path(found) if found else None,
    )


def check_file(
    subject: str, path: Path, absent: str = "not there", remedy: str = "", *, required: bool = True
) -> DoctorCheck:
    """Check that a file is there, and tell its size.

    In the cache of a hub, a link to a file is named by what the file holds; then the digest is
    known without reading it.

    :param absent: what to say if it is not
    """
    there = path.is_file()
    size = path.stat().st_size if there else None
    digest = path.resolve().name if path.is_symlink() else ""
    shown = "" if subject == str(path) else f"{path}, "
    return DoctorCheck(
        subject,
        ok=there,
        finding=absent if size is None else f"{shown}{size_text(size)}",
        remedy="" if there else remedy,
        kind=CheckKind.FILE,
        required=required,
        path=path,
        size=size,
        sha256=digest if SHA256.fullmatch(digest) else None,
    )


def check_weights(
    folder: Path, what: str, patterns: Sequence[str], *, absent: str, remedy: str = ""
) -> list[DoctorCheck]:
    """Check that a folder has files of one kind, and all of those that an index beside them names.

    None may be empty, or a pointer of git-lfs.

    :param what: the name that such a file usually has: ``model.safetensors``
    :param patterns: names that count, the best first; the first that is there decides
    :param absent: what to say if there is none
    """
    found, pattern = next(
        ((some, one) for one in patterns if (some := sorted(folder.glob(one)))), ([], "")
    )
    if not found:
        return [check_file(str(folder / what), folder / what, absent, remedy)]
    lost = _indexed(folder, f"{pattern}{INDEX}") - {one.name for one in found}
    parts = [
        check_file(str(folder / one), folder / one, f"a part of {what}, not there", remedy)
        for one in sorted(lost)
    ]
    damaged = [one for path in found if (one := _damaged(path, remedy)) is not None]
    if damaged:
        return [*damaged, *parts]
    if len(found) == 1:
        return [check_file(str(found[0]), found[0]), *parts]
    size = sum(one.stat().st_size for one in found)
    text = f"{len(found)} files, {size_text(size)}"
    whole = DoctorCheck(
        str(folder / what), ok=True, finding=text, kind=CheckKind.FILE, path=folder, size=size
    )
    return [whole, *parts]


def _damaged(path: Path, remedy: str) -> DoctorCheck | None:
    """Find a file that is empty, or stands for one that git-lfs has not fetched."""
    size = path.stat().st_size
    finding = "empty: a copy or a download that was not finished" if size == 0 else ""
    if 0 < size < LARGEST_POINTER and path.read_bytes().startswith(POINTER):
        finding, remedy = "not the file, but git-lfs's pointer to it", "run: git lfs pull"
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
    """Return the names of the files that a model is split into, if an index lists them."""
    names: set[str] = set()
    for index in folder.glob(pattern):
        if index.with_name(index.name.removesuffix(INDEX)).exists():
            continue  # the whole, which is preferred
        try:
            parts = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # the library that loads the model says it best
        names.update(map(str, parts))
    return names
