"""Find the processes that keep a database locked."""

from __future__ import annotations

import os
import re
import textwrap
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.masking import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESSES = Path("/proc")
FILES = ("", "-wal", "-shm")
"""Endings of the files that SQLite locks for one database."""
WRITE_LOCK = re.compile(r"^\d+: (?:POSIX|OFDLCK) +\w+ +WRITE (-?\d+) \w+:\w+:(\d+) ")
SHOWN = 100
"""Characters shown of a command."""


def holders_of(database: Path) -> str:
    """Name the processes that lock a database, or else have it open; empty if unknown.

    :returns: such as ``process 4711 (djsb run sandbox.yaml)``
    """
    inodes = set()
    for ending in FILES:
        with suppress(OSError):
            inodes.add(os.stat(f"{database}{ending}").st_ino)  # noqa: PTH116 (a name, not a path)
    others = [pid for pid in _lockers(inodes) if pid != os.getpid()]
    if not others:
        others = [pid for pid in _openers(inodes) if pid != os.getpid()]
    names = [f"process {pid}{_command(pid)}" for pid in dict.fromkeys(others)]
    return " or ".join(names[:3])


def _lockers(inodes: set[int]) -> Iterator[int]:
    """List the processes that hold a lock for writing."""
    with suppress(OSError):
        for line in (PROCESSES / "locks").read_text().splitlines():
            match = WRITE_LOCK.match(line)
            if match and int(match[2]) in inodes and int(match[1]) > 0:
                yield int(match[1])


def _openers(inodes: set[int]) -> Iterator[int]:
    """List the processes that have one of the files open, as far as this user may know."""
    for folder in PROCESSES.glob("[0-9]*/fd"):
        with suppress(OSError):
            for link in folder.iterdir():
                with suppress(OSError):
                    if link.stat().st_ino in inodes:
                        yield int(folder.parent.name)


def _command(pid: int) -> str:
    """Return the program and the arguments of a process, without options: they may be secrets."""
    try:
        words = (PROCESSES / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    shown = takewhile(lambda word: word and not word.startswith("-"), words)
    text = " ".join([Path(word).name if i == 0 else word for i, word in enumerate(shown)])
    return f" ({textwrap.shorten(mask(text), SHOWN)})" if text else ""
