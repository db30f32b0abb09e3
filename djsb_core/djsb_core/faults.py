"""What plugin code raised: in words, and whether it was the user's Ctrl-C."""

from __future__ import annotations

import opcode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

OWN = ("djsb", "djsb_core")
"""Packages whose signal handlers raise KeyboardInterrupt."""
RAISE = opcode.opmap["RAISE_VARARGS"]


def describe_error(error: BaseException) -> str:
    """Return the class and the message of an error, even if it cannot describe itself."""
    kind = type(error).__name__
    try:
        text = str(error)
    except BaseException as failure:
        if is_interrupt(failure):
            raise
        return kind
    return f"{kind}: {text}" if text else kind


def is_interrupt(error: BaseException) -> bool:
    """Return whether an error is a Ctrl-C, and not a KeyboardInterrupt that some code raised.

    Python raises the former between two instructions, a signal handler of djsb in its own code.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    trace = error.__traceback__
    if trace is None:
        return True
    last = _last(trace)
    package = str(last.tb_frame.f_globals.get("__package__")).partition(".")[0]
    return package in OWN or last.tb_frame.f_code.co_code[last.tb_lasti] != RAISE


def _last(trace: TracebackType) -> TracebackType:
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace
