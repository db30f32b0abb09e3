"""A job's log: all of its output, and the traceback if it fails."""

from __future__ import annotations

import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from djsb_core.job.capture import capture_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def job_log(log: Path) -> Iterator[None]:
    """Redirect all output to ``log`` while the block runs; a failure appends its traceback."""
    try:
        with capture_output(log):
            yield
    except BaseException as error:
        # A full disk must not hide the original failure.
        with suppress(OSError), log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n" + "".join(traceback.format_exception(error)))
        raise
