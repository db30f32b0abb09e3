"""The rows of its input that a job's result lacks: which step removed each of them, and why.

Such a report holds row numbers and no texts: one row takes a few bytes, so that it can always be
kept. Its file is in JSON Lines: what the steps are, then the rows, step by step, in blocks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from djsb_core.errors import ComponentError
from djsb_core.interfaces.bounds import BoundSide
from djsb_core.text_enum import TextEnum
from djsb_core.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

BLOCK = 1000
"""Rows per line of the file."""

MOST_SHOWN = 60
"""Characters shown of a statistic that is not a number."""


class DropReason(TextEnum):
    """Why a step removes rows."""

    FILTERED = "filtered"
    """The step's purpose: a row does not meet its criteria."""
    DUPLICATE = "duplicate"
    """The row equals or resembles another one."""
    FAILED = "failed"
    """The step failed on the row, which is lost."""
    UNREADABLE = "unreadable"
    """The row was lost before the first step, for instance because it has no text."""

    @property
    def is_loss(self) -> bool:
        """Whether the rows were lost, and not removed on purpose."""
        return self in (DropReason.FAILED, DropReason.UNREADABLE)


@dataclass(frozen=True)
class StepBound:
    """A bound on a step's statistic."""

    argument: str
    value: float
    side: BoundSide


@dataclass(frozen=True)
class DropStep:
    """A step that removed rows. The optional columns have one item per row."""

    name: str
    reason: DropReason
    rows: Sequence[int]
    """Numbers of the rows in the job's input, from 0; -1 where unknown."""
    bounds: Sequence[StepBound] = ()
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """The rows' statistics, by name."""
    partners: Sequence[int] = ()
    """Numbers of the rows that they duplicate; -1 where unknown."""
    errors: Sequence[str] = ()
    """Why the step failed, for the first rows."""


@dataclass(frozen=True)
class DroppedRows:
    """All rows of a job's input that its result lacks."""

    files: Sequence[tuple[str, int]]
    """The files of the input in order, each with its number of rows; empty if unknown."""
    steps: Sequence[DropStep]


@dataclass(frozen=True)
class DroppedRow:
    """One row, as read back."""

    step: int
    """Position in :attr:`DropLog.steps`."""
    row: int
    values: Mapping[str, Any]
    partner: int | None
    error: str | None


@dataclass(frozen=True)
class StepSummary:
    """A step that removed rows, without the rows."""

    name: str
    reason: DropReason
    count: int
    bounds: Sequence[StepBound]

    def explain(self, values: Mapping[str, Any]) -> str:
        """Say why a row was removed, such as ``text_len 3 < 5``; empty if unknown."""
        if len(values) == 1:
            name, value = next(iter(values.items()))
            for bound in self.bounds:
                if _is_outside(value, bound):
                    sign = "<" if bound.side is BoundSide.LOWER else ">"
                    return f"{name} {_shown(value)} {sign} {_shown(bound.value)}"
        measured = ", ".join(f"{name} {_shown(value)}" for name, value in values.items())
        bounds = ", ".join(f"{bound.argument} {_shown(bound.value)}" for bound in self.bounds)
        return f"{measured} ({bounds})" if measured and bounds else measured


@dataclass(frozen=True)
class DropLog:
    """A report of dropped rows in a file; the rows are read when they are asked for."""

    path: Path
    files: Sequence[tuple[str, int]]
    steps: Sequence[StepSummary]

    @property
    def lost(self) -> int:
        """Number of rows that were lost, and not removed on purpose."""
        return sum(step.count for step in self.steps if step.reason.is_loss)

    def rows(self, wanted: Sequence[int] | None = None) -> Iterator[DroppedRow]:
        """Yield the rows in the order of the steps.

        :param wanted: positions of the steps; ``None``: all
        :raises ComponentError: if the file is damaged
        """
        try:
            with self.path.open(encoding="utf-8") as lines:
                next(lines, None)
                for line in lines:
                    block = json.loads(line)
                    if wanted is None or block["step"] in wanted:
                        yield from _rows_of(block)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise ComponentError(f"{self.path}: damaged list of dropped rows: {error}") from error

    def place(self, row: int) -> tuple[str, int]:
        """Return the file of a row and its number there, from 1; without a file if unknown."""
        position = row
        for file, count in self.files:
            if 0 <= position < count:
                return file, position + 1
            position -= count
        return "", row + 1


def write_dropped(path: Path, dropped: DroppedRows) -> None:
    """Write a report of dropped rows."""
    head = {
        "files": [list(file) for file in dropped.files],
        "steps": [_head_of(step) for step in dropped.steps],
    }
    lines = [json.dumps(head)]
    for position, step in enumerate(dropped.steps):
        lines += [json.dumps(block, default=str) for block in _blocks(position, step)]
    write_whole(path, "".join(f"{line}\n" for line in lines))


def read_dropped(path: Path) -> DropLog:
    """Read what the steps of a report are.

    :raises ComponentError: if the file is missing or damaged
    """
    try:
        with path.open(encoding="utf-8") as lines:
            head = json.loads(next(lines, ""))
        files = [(str(file), int(rows)) for file, rows in head["files"]]
        return DropLog(path, files, [_summary(step) for step in head["steps"]])
    except OSError as error:
        raise ComponentError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise ComponentError(f"{path}: damaged list of dropped rows: {error}") from error


def _head_of(step: DropStep) -> dict[str, Any]:
    bounds = [[bound.argument, bound.value, bound.side.value] for bound in step.bounds]
    return {
        "name": step.name,
        "reason": step.reason.value,
        "count": len(step.rows),
        "bounds": bounds,
    }


def _summary(head: Mapping[str, Any]) -> StepSummary:
    bounds = [
        StepBound(str(argument), float(value), BoundSide(side))
        for argument, value, side in head["bounds"]
    ]
    return StepSummary(str(head["name"]), DropReason(head["reason"]), int(head["count"]), bounds)


def _blocks(position: int, step: DropStep) -> Iterator[dict[str, Any]]:
    for start in range(0, len(step.rows), BLOCK):
        part = slice(start, start + BLOCK)
        block: dict[str, Any] = {"step": position, "rows": list(step.rows[part])}
        if step.values:
            block["values"] = {name: list(column[part]) for name, column in step.values.items()}
        if step.partners:
            block["partners"] = list(step.partners[part])
        if step.errors[part]:
            block["errors"] = list(step.errors[part])
        yield block


def _rows_of(block: Mapping[str, Any]) -> Iterator[DroppedRow]:
    columns = block.get("values", {})
    others = zip_longest(block["rows"], block.get("partners", ()), block.get("errors", ()))
    for position, (row, partner, error) in enumerate(others):
        values = {name: column[position] for name, column in columns.items()}
        known = None if partner is None or partner < 0 else int(partner)
        yield DroppedRow(int(block["step"]), int(row), values, known, error)


def _is_outside(value: object, bound: StepBound) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value < bound.value if bound.side is BoundSide.LOWER else value > bound.value


def _shown(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.5g}"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
