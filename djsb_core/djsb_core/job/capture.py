"""Redirect all output of a job to its log file, including subprocesses and C libraries."""

from __future__ import annotations

import faulthandler
import os
import sys
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

from djsb_core.job.log_client import log_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

STDOUT, STDERR = 1, 2


@contextmanager
def capture_output(log: Path, secrets: Sequence[str] = ()) -> Iterator[None]:
    """Redirect file descriptors 1 and 2 to ``log`` while the block runs.

    Another process masks the output and writes it, so nothing secret reaches the disk.

    :param secrets: masked in the output, as is what has the shape of one
    :raises OSError: if the log could not be written, as on a full disk
    """
    client = log_client()
    output = client.open(log, secrets)
    try:
        with _redirected(output):
            yield
    except BaseException:
        with suppress(OSError):  # which must not hide the original failure
            client.drain(log)
        raise
    client.drain(log)


@contextmanager
def _redirected(output: int) -> Iterator[None]:
    """Redirect the descriptors to another one, which is closed afterwards."""
    flush()
    saved = os.dup(STDOUT), os.dup(STDERR)
    try:
        os.dup2(output, STDOUT)
        os.dup2(output, STDERR)
        os.close(output)
        with _readable_lines(), _crashes_reported():
            yield
    finally:
        flush()
        for descriptor, original in zip(saved, (STDOUT, STDERR), strict=True):
            os.dup2(descriptor, original)
            os.close(descriptor)


@contextmanager
def _readable_lines() -> Iterator[None]:
    """Write UTF-8, and each line at once, whatever the streams are made for."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, TextIOWrapper)]
    before = []
    for stream in streams:
        with suppress(ValueError, OSError):  # closed
            settings = {
                "encoding": stream.encoding,
                "errors": stream.errors,
                "line_buffering": stream.line_buffering,
            }
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
            before.append((stream, settings))
    try:
        yield
    finally:
        for stream, settings in before:
            with suppress(ValueError, OSError):
                stream.reconfigure(**settings)  # type: ignore[arg-type]


@contextmanager
def _crashes_reported() -> Iterator[None]:
    """Let a crash of native code write a traceback."""
    was_enabled = faulthandler.is_enabled()
    if not was_enabled:
        faulthandler.enable(STDERR)
    try:
        yield
    finally:
        if not was_enabled:
            faulthandler.disable()


def flush() -> None:
    """Write what streams and C libraries have in their buffers."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, OSError, AttributeError):  # closed, or replaced by a test
            stream.flush()
    import ctypes  # reused jobs write nothing

    with suppress(OSError, AttributeError):  # C's own buffers
        ctypes.CDLL(None).fflush(None)
