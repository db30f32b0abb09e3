"""Results at the places that the settings name: made in the job's folder, then put there.

So a result is there whole or not at all, two runs never write into one another's files, and what
the cache keeps can be put there again.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.planner.named import in_subfolders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FOLDER = "exports"


@dataclass(frozen=True)
class Export:
    """One file or folder of a named result."""

    named: Path
    """As the settings name it."""
    made: Path
    """Where the component made it."""
    place: Path
    """Where it is put: as the settings name it, in the folders of its seed and iteration."""


def relative_places(named: Iterable[Path]) -> dict[Path, str]:
    """Say where in a job's folder each named result is made, each in a folder of its own.

    Depends on names and order only, so that a later job with the same key finds them.
    """
    unique = dict.fromkeys(named)
    return {
        path: f"{FOLDER}{f'-{i}' if i > 1 else ''}/{path.name or 'result'}"
        for i, path in enumerate(unique, start=1)
    }


def exports_of(named: Path, made: Path, subfolders: tuple[str, ...] = ()) -> Iterator[Export]:
    """Find what a component made of a named result.

    Beside ``kept.jsonl`` there may be its statistics, or its parts instead of it.

    :param subfolders: those of seed and iteration, where the experiment has several
    """
    if not made.parent.is_dir():
        return
    for child in sorted(made.parent.iterdir()):
        path = named.with_name(child.name)
        yield Export(path, child, in_subfolders(path, subfolders, folder=child.is_dir()))


def put_in_place(export: Export, before: Path | None) -> None:
    """Put a result where the settings name it: each file at once, folders file by file.

    Files are linked where the file system can, else copied. What else lies in a named folder stays,
    but for files of the result that was put there before.

    :param before: the result that was put there before, if there is one
    """
    made, place = export.made, export.place
    if made.is_dir():
        if before is not None and before != made and before.is_dir():
            _remove_old(before, made, place)
        for file in _files(made):
            _put_file(made / file, place / file)
        place.mkdir(parents=True, exist_ok=True)  # an empty folder is a result too
    elif made.exists():
        _put_file(made, place)


def link_file(source: Path, target: Path) -> None:
    """Let ``target`` have the content of ``source``: a hard link, or a copy on other disks."""
    target.unlink(missing_ok=True)  # a copy would go into the file that it is a link to
    try:
        os.link(source.resolve(), target)  # a symbolic link leads nowhere from elsewhere
    except OSError:
        shutil.copy2(source, target)


def _put_file(made: Path, named: Path) -> None:
    if _is_same(made, named):
        return
    named.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # something is there, or it is another disk
        os.link(made.resolve(), named)
        return
    temporary = named.with_name(f".{uuid.uuid4().hex}")
    try:
        link_file(made, temporary)
        temporary.replace(named)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_old(before: Path, made: Path, named: Path) -> None:
    kept = set(_files(made))
    for file in _files(before):
        if file not in kept and _is_put(before / file, named / file):
            (named / file).unlink()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder)


def _is_put(made: Path, named: Path) -> bool:
    """Return whether a file is the link, or the copy with all times, that was put there."""
    if not named.exists():
        return False
    one, other = made.stat(), named.stat()
    return made.samefile(named) or (one.st_size, one.st_mtime_ns) == (
        other.st_size,
        other.st_mtime_ns,
    )


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
