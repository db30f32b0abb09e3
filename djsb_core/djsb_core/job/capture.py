"""Redirect all output of a job to its log file, including subprocesses and C libraries."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STDOUT, STDERR = 1, 2


@contextmanager
def capture_output(log: Path) -> Iterator[None]:
    """Redirect file descriptors 1 and 2 to ``log`` while the block runs."""
    _flush()
    saved = os.dup(STDOUT), os.dup(STDERR)
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(target, STDOUT)
        os.dup2(target, STDERR)
        yield
    finally:
        _flush()
        for descriptor, original in zip(saved, (STDOUT, STDERR), strict=True):
            os.dup2(descriptor, original)
            os.close(descriptor)
        os.close(target)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, OSError, AttributeError):  # closed, or replaced by a test
            stream.flush()
    import ctypes  # reused jobs write nothing

    with suppress(OSError, AttributeError):  # C's own buffers
        ctypes.CDLL(None).fflush(None)
