"""Locks on files: exclusive for the one that writes or removes, shared by those that use."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedRandom
    from pathlib import Path


class Lock:
    """One lock file, held; the system frees it when this process ends.

    Of all the locks on a file, in the threads of this process and in others, either one is
    exclusive or any number is shared. ``filelock`` has no such pair without a database.
    """

    def __init__(self, file: BufferedRandom) -> None:
        self._file = file

    def release(self) -> None:
        """Give it back."""
        self._file.close()


def try_lock(path: Path, *, shared: bool = False) -> Lock | None:
    """Take a lock if it is free; its file and folder are created, and stay.

    A lock whose file is removed while somebody waits for it is not taken: the next try creates
    the file again.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except FileNotFoundError:  # the folder is just being removed
        return None
    except FileExistsError:  # it was there, and is no more: likewise
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
