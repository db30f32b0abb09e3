"""A job's log: all of its output, and the traceback if it fails."""

from __future__ import annotations

import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from djsb_core.job.capture import STDERR, capture_output, flush
from djsb_core.job.protocol import write_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@contextmanager
def job_log(log: Path, secrets: Sequence[str] = ()) -> Iterator[None]:
    """Redirect all output to ``log`` while the block runs; a failure appends its traceback.

    :param secrets: masked in the output
    """
    with capture_output(log, secrets):
        try:
            yield
        except BaseException as error:
            text = "\n" + "".join(traceback.format_exception(error))
            flush()
            with suppress(OSError):  # the job has closed the descriptor
                write_all(STDERR, text.encode("utf-8", "backslashreplace"))
            raise
