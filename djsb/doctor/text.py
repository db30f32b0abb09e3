"""Checks as a table that fits the terminal, and as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from shutil import get_terminal_size
from textwrap import wrap
from typing import TYPE_CHECKING

from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb.doctor.check_group import CheckGroup
    from djsb_core.hookspecs import DoctorCheck

WIDTH = 100
"""Line width if there is no terminal."""
NARROWEST = 40
MARKS = {True: "ok", False: "FAIL", None: "note"}
INDENT, MARK, GAP = 2, 6, 2
ARROW = "→ "


def doctor_text(groups: Sequence[CheckGroup], width: int | None = None) -> str:
    """Format the checks: in each group failed ones first, each with its remedy below.

    :param width: line width; default: that of the terminal
    """
    if width is None:
        width = get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    lines: list[str] = []
    width = max(width, NARROWEST)
    subjects = [len(check.subject) for group in groups for check in group.checks]
    column = max((length for length in subjects if length <= width // 3), default=0)
    for group in groups:
        lines += wrap(group.title, width)
        for check in sorted(group.checks, key=_rank):
            lines += _lines_of(check, column, width)
        lines.append("")
    summary = _summary([check for group in groups for check in group.checks])
    return "\n".join([*lines, *wrap(summary, width)])


def doctor_json(groups: Sequence[CheckGroup]) -> str:
    """Format the checks as JSON, each with the title of its group."""
    rows = [{"group": group.title, **asdict(check)} for group in groups for check in group.checks]
    return json.dumps(rows, indent=2, ensure_ascii=False, default=str)


def can_run(groups: Sequence[CheckGroup]) -> bool:
    """Tell whether nothing required is missing."""
    return all(check.ok or not check.required for group in groups for check in group.checks)


def _rank(check: DoctorCheck) -> int:
    return 2 if check.ok else 0 if check.required else 1


def _lines_of(check: DoctorCheck, column: int, width: int) -> Iterator[str]:
    mark = MARKS[True if check.ok else False if check.required else None]
    head = f"{'':{INDENT}}{mark:<{MARK}}"
    below = " " * (len(head) + column + GAP)
    space = width - len(below)
    if len(check.subject) > column:
        first, *more = wrap(check.subject, width - len(head))
        yield f"{head}{first}"
        yield from (f"{'':{len(head)}}{line}" for line in more)
        head = below
    else:
        head += f"{check.subject:<{column + GAP}}"
    first, *more = wrap(check.finding, space, break_on_hyphens=False) or [""]
    yield f"{head}{first}".rstrip()
    yield from (f"{below}{line}" for line in more)
    remedy = wrap(check.remedy, space - len(ARROW), break_on_hyphens=False)
    signs = [ARROW, *(" " * len(ARROW) for _ in remedy)]
    yield from (f"{below}{sign}{line}" for sign, line in zip(signs, remedy, strict=False))


def _summary(checks: Sequence[DoctorCheck]) -> str:
    missing = sum(not check.ok and check.required for check in checks)
    notes = sum(not check.ok and not check.required for check in checks)
    count = counted(len(checks), "check")
    also = f"; {counted(notes, 'note')}" if notes else ""
    if missing:
        return f"{missing} of {count} {'fails' if missing == 1 else 'fail'}{also}"
    return f"{count}, nothing is missing{also}"
