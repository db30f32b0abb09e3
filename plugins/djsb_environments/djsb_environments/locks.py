"""Locks of environments: alone to make or remove one, together to use it."""

from __future__ import annotations

import fcntl
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedRandom
    from pathlib import Path

PAUSE = 0.1
"""Seconds between two tries."""


class Lock:
    """One lock file, held; the system frees it when this process ends.

    Of all the locks that are opened, in this process and in others, either one is alone, or any
    number is shared. ``filelock`` has no such pair without a database.
    """

    def __init__(self, file: BufferedRandom) -> None:
        self._file = file

    def release(self) -> None:
        """Give it back."""
        self._file.close()


def try_lock(path: Path, *, alone: bool) -> Lock | None:
    """Take a lock if it is free; its file stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+b")
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except BaseException:
        file.close()
        raise
    return Lock(file)


def share(path: Path) -> Lock:
    """Take a lock together with others, as soon as nobody has it alone."""
    while (held := try_lock(path, alone=False)) is None:
        time.sleep(PAUSE)
    return held


def wait_for(path: Path, waiting: Callable[[], None]) -> Lock:
    """Take a lock alone, as soon as it is free.

    :param waiting: called between tries, every 0.1 s; may raise to give up
    """
    while True:
        with suppress(FileNotFoundError):  # its folder was just removed
            held = try_lock(path, alone=True)
            if held is not None:
                return held
        waiting()
        time.sleep(PAUSE)
