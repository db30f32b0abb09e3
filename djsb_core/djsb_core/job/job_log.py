"""A job's log: all that it prints, and at the end the traceback of its failure."""

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
    """Send all output to ``log`` while the block runs; a failure adds its traceback."""
    try:
        with capture_output(log):
            yield
    except BaseException as error:
        # A full disk must not hide the failure itself.
        with suppress(OSError), log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n" + "".join(traceback.format_exception(error)))
        raise
