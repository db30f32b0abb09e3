"""Numbers, durations and tables as text."""

from __future__ import annotations

import math
import shlex
import sys
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from djsb_core.text import date, visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["date", "duration", "number", "table"]

MINUTE, HOUR = 60, 3600
HUGE, LARGE = 1e15, 999.95


def number(value: object) -> str:
    """Format a number with four significant digits: ``12,345``, ``3.142``, ``0.00031``.

    Integers, and what is before the decimal point, are shown in full.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= HUGE:
        return f"{value:.3e}"
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.0f}" if size >= LARGE else f"{value:.4g}"


def duration(seconds: float | None) -> str:
    """Format a duration: ``0.4 s``, ``1 min 05 s``, ``2 h 10 min``."""
    if seconds is None:
        return ""
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    if round(seconds) < HOUR:
        minutes, rest = divmod(round(seconds), MINUTE)
        return f"{minutes} min {rest:02d} s"
    hours, rest = divmod(round(seconds / MINUTE), MINUTE)
    return f"{hours} h {rest:02d} min"


def table(
    rows: Sequence[Sequence[object]], headers: Sequence[str], *, right: Sequence[int] = ()
) -> str:
    """Format rows as a table; the columns in ``right`` are right-aligned.

    On a terminal that is too narrow, lines are cut off.
    """
    from tabulate import tabulate

    cells = [[visible(str(cell), one_line=True) for cell in row] for row in rows]
    align = ["right" if i in right else "left" for i in range(len(headers))]
    text = tabulate(
        cells,
        [visible(header, one_line=True) for header in headers],
        tablefmt="simple",
        disable_numparse=True,
        colalign=align if rows else None,
    )
    return "\n".join(_cut(line) for line in text.split("\n")) if sys.stdout.isatty() else text


def shell_path(path: Path | str) -> str:
    """Return a path as a shell and a command take it: quoted, and never like an option."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def text_width(text: str) -> int:
    """Return how many columns of a terminal a text takes; some characters take two, or none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut_text(text: str, width: int) -> str:
    """Return a text that takes at most this many columns of a terminal."""
    if text_width(text) <= width:
        return text
    from rich.cells import set_cell_size

    return f"{set_cell_size(text, width - 1)}…"


def _cut(line: str) -> str:
    return cut_text(line, get_terminal_size().columns)
