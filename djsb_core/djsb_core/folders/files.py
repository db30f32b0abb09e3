"""Atomic writes, removal and sizes of files and folders."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.errors import RequestError
from djsb_core.whole_files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb_core.access import Access

DONE = "DONE.json"
"""Written last: a folder that should have one but does not is incomplete."""

FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR)
"""Errors that a user can fix; a full or broken disk is not among them."""


@contextmanager
def usable(root: Path, purpose: str, variable: str) -> Iterator[None]:
    """Turn the system's error for an unusable folder into one that names the remedy.

    :param purpose: what the folder is for, as in ``use the cache folder``
    :param variable: environment variable that sets another folder
    :raises RequestError: instead of the system's error
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FORBIDDEN:
            error.filename = error.filename or str(root)  # which disk is full
            raise
        where = f": {error.filename}" if error.filename else ""
        raise RequestError(
            f"cannot {purpose} {root}: {error.strerror}{where}; make it a writable folder, "
            f"or set another one with {variable}"
        ) from error


def subfolders(parent: Path) -> list[Path]:
    """List the folders in a folder, without links; none if it does not exist."""
    try:
        with os.scandir(parent) as listing:
            return [Path(entry.path) for entry in listing if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a JSON object; ``None`` if the file is missing or not a complete object."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write_object(
    path: Path, value: Mapping[str, Any], *, durable: bool, access: Access | None = None
) -> None:
    """Write a JSON object atomically.

    :param durable: whether it must survive a power failure once this returns
    :param access: who may read and write it; by default, as the umask says
    :raises OSError: if it cannot be written; then the file does not exist
    """
    try:
        with replacing(path, durable=durable, access=access) as file:
            json.dump(value, file)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def remove_tree(folder: Path) -> bool:
    """Remove a folder, its ``DONE.json`` first: what remains must not look complete.

    A dying process may still write into it; what cannot be removed now stays.

    :return: whether the folder is gone
    """
    with suppress(OSError):
        (folder / DONE).unlink()
    shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def size_of(folder: Path) -> tuple[int, int]:
    """Return the bytes of a folder's files, and the bytes that removing it would free.

    Hard links count once; a file that is also linked elsewhere is not freed.
    """
    links: Counter[tuple[int, int]] = Counter()
    states: dict[tuple[int, int], os.stat_result] = {}
    for parent, folders, names in os.walk(folder):
        for name in [*names, *(link for link in folders if Path(parent, link).is_symlink())]:
            with suppress(OSError):  # removed in the meantime
                state = Path(parent, name).lstat()
                inode = (state.st_dev, state.st_ino)
                links[inode] += 1
                states[inode] = state
    freed = sum(s.st_size for inode, s in states.items() if s.st_nlink <= links[inode])
    return sum(state.st_size for state in states.values()), freed
