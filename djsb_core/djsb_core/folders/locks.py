"""File locks: exclusive for writing or removing, shared for use."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedRandom
    from pathlib import Path

    from djsb_core.access import Access


class Lock:
    """One held lock; the system releases it when this process ends.

    Across all threads and processes, a file has either one exclusive lock or any number of shared
    ones. ``filelock`` offers both kinds only with a database.
    """

    def __init__(self, file: BufferedRandom) -> None:
        self._file = file

    def release(self) -> None:
        """Release the lock."""
        self._file.close()


def try_lock(path: Path, *, shared: bool = False, access: Access | None = None) -> Lock | None:
    """Take a lock if it is free; its file and folder are created, and stay.

    A lock whose file was removed in the meantime is not taken: the next attempt creates the file
    again.

    :param access: of the file and the folder, if they are created; by default, as the umask says
    """
    try:
        if access is None:
            path.parent.mkdir(parents=True, exist_ok=True)
        else:
            access.make_folder(path.parent)
            access.make_file(path)
        file = path.open("a+b")
    except FileNotFoundError:  # the folder is being removed
        return None
    except FileExistsError:  # the folder has just been removed
        if path.parent.exists():
            raise
        return None
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        if not _is_file_of(file.fileno(), path):
            file.close()
            return None
    except BlockingIOError:
        file.close()
        return None
    except BaseException:
        file.close()
        raise
    return Lock(file)


def _is_file_of(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
