"""Named results: created in the job's folder, then exported to the paths in the settings.

So a result is complete or absent, two runs never write into each other's files, and cached
results can be exported again.
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
    """The path in the settings."""
    source: Path
    """Where the component created it."""
    place: Path
    """Where it is exported to: the named path, in the folders of its seed and iteration."""


def relative_places(named: Iterable[Path]) -> dict[Path, str]:
    """Return where in a job's folder each named result is created, each in a folder of its own.

    Depends only on names and order, so that a later job with the same key finds them.
    """
    unique = dict.fromkeys(named)
    return {
        path: f"{FOLDER}{f'-{i}' if i > 1 else ''}/{path.name or 'result'}"
        for i, path in enumerate(unique, start=1)
    }


def exports_of(named: Path, source: Path, subfolders: tuple[str, ...] = ()) -> Iterator[Export]:
    """Find what a component created for a named result.

    There may be statistics next to ``kept.jsonl``, or its parts in place of it.

    :param subfolders: those of seed and iteration, if the experiment has several
    """
    if not source.parent.is_dir():
        return
    for child in sorted(source.parent.iterdir()):
        path = named.with_name(child.name)
        yield Export(path, child, in_subfolders(path, subfolders, folder=child.is_dir()))


def put_in_place(export: Export, before: Path | None) -> None:
    """Export a result to its named path: each file atomically, folders file by file.

    Files are hard-linked if possible, otherwise copied. Other files in a named folder stay, except
    those of the previously exported result.

    :param before: the previously exported result, if there is one
    """
    source, place = export.source, export.place
    if source.is_dir():
        if before is not None and before != source and before.is_dir():
            _remove_old(before, source, place)
        for file in _files(source):
            _put_file(source / file, place / file)
        place.mkdir(parents=True, exist_ok=True)  # an empty folder is also a result
    elif source.exists():
        _put_file(source, place)


def link_file(source: Path, target: Path) -> None:
    """Give ``target`` the content of ``source``: a hard link, or a copy across disks."""
    try:
        # A relative symbolic link would break.
        os.link(source.resolve() if source.is_symlink() else source, target)
    except FileExistsError:
        target.unlink(missing_ok=True)
        link_file(source, target)
    except OSError:
        target.unlink(missing_ok=True)  # a copy would overwrite the file that it links to
        shutil.copy2(source, target)


def _put_file(source: Path, named: Path) -> None:
    if _is_same(source, named):
        return
    named.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # the target exists, or is on another disk
        os.link(source.resolve(), named)
        return
    temporary = named.with_name(f".{uuid.uuid4().hex}")
    try:
        link_file(source, temporary)
        temporary.replace(named)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_old(before: Path, source: Path, named: Path) -> None:
    current = set(_files(source))
    for file in _files(before):
        if file not in current and _is_unchanged(before / file, named / file):
            (named / file).unlink()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder)


def _is_unchanged(source: Path, named: Path) -> bool:
    """Return whether a file is still the exported link, or copy with its time stamps."""
    if not named.exists():
        return False
    source_stat, named_stat = source.stat(), named.stat()
    return source.samefile(named) or (source_stat.st_size, source_stat.st_mtime_ns) == (
        named_stat.st_size,
        named_stat.st_mtime_ns,
    )


def _is_same(first: Path, second: Path) -> bool:
    return first.exists() and second.exists() and first.samefile(second)
