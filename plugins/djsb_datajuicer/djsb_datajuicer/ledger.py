"""Keeps account of rows: which are left, which operator removed the others, and why."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any

from djsb_core.api import (
    BoundSide,
    ComponentError,
    DroppedRows,
    DropReason,
    DropStep,
    StepBound,
    counted,
)
from djsb_datajuicer.operators import operator_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEW = 3
"""Failing rows named in an error."""
MOST_ERRORS = 100
"""Failing rows per operator whose errors are kept."""


@dataclass(frozen=True)
class Origin:
    """Where the rows of a loaded dataset come from."""

    rows: NDArray[Any]
    """For each of them its number in the files, all of which count as one."""
    files: Sequence[tuple[str, int]] = ()
    """The files with their numbers of rows; empty if unknown."""
    textless: Sequence[int] = ()
    """Numbers of the rows that were left out because they have no text."""
    unread: int = 0
    """Number of lines that gave no row."""

    def place(self, row: int) -> str:
        """Name the place of a row for a message."""
        rest = row
        for file, count in self.files:
            if 0 <= rest < count:
                return f"{file}, row {rest + 1}"
            rest -= count
        return f"row {row + 1}" if row >= 0 else "an unknown row"


@dataclass
class Ledger:
    """The rows that are left, and what became of the others."""

    origin: Origin
    limit: float
    """Largest share of rows on which operators may fail."""
    steps: list[DropStep] = field(default_factory=list)
    failed: int = 0
    _uses: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with the rows that were lost while the dataset was read."""
        self.rows = self.origin.rows
        unreadable = DropReason.UNREADABLE
        if self.origin.textless:
            self.steps.append(DropStep("no text", unreadable, self.origin.textless))
        if self.origin.unread:
            self.steps.append(DropStep("no row", unreadable, [-1] * self.origin.unread))

    @property
    def tolerated(self) -> int:
        """How many more rows may fail."""
        return int(self.limit * len(self.origin.rows)) - self.failed

    def name_of(self, operator: str) -> str:
        """Name the next use of an operator; a second one gets ``_2`` after its name."""
        self._uses[operator] = uses = self._uses.get(operator, 0) + 1
        return operator if uses == 1 else f"{operator}_{uses}"

    def drop(self, step: DropStep) -> None:
        """Record rows that an operator removes.

        :param step: named by :meth:`name_of`; instead of numbers of rows in the input it has
            their positions among those that are left
        """
        if not step.rows:
            return
        if step.reason is DropReason.FAILED:
            self.failed += len(step.rows)
        rows, partners = self._numbers(step.rows), self._numbers(step.partners)
        errors = step.errors[:MOST_ERRORS]
        self.steps.append(replace(step, rows=rows, partners=partners, errors=errors))

    def lose_track(self, name: str, reason: DropReason, before: int, after: int) -> None:
        """Record that an operator removes rows, but it is unknown which."""
        import numpy as np

        if before > after:
            self.steps.append(DropStep(name, reason, [-1] * (before - after)))
        if before != after:
            self.rows = np.full(after, -1)

    def keep(self, positions: NDArray[Any] | Sequence[int]) -> None:
        """Go on with some of the rows.

        :param positions: for each of the new rows, the position of the row it was made from
        """
        import numpy as np

        chosen = np.asarray(positions, dtype=np.int64)
        self.rows = np.where(chosen >= 0, self.rows[chosen], -1) if len(self.rows) else chosen

    def check(self) -> None:
        """Check that operators do not fail on too many rows.

        :raises ComponentError: if they do
        """
        if self.failed and self.tolerated < 0:
            raise ComponentError(
                f"{self.failures()}; mend or remove these rows, "
                f"or raise max_failed_share, which is {self.limit:g}"
            )

    def failures(self) -> str:
        """Describe on how many rows the operators fail, and name a few."""
        steps = [step for step in self.steps if step.reason is DropReason.FAILED]
        names = " and ".join(dict.fromkeys(step.name for step in steps))
        verb = "fails" if len(steps) == 1 else "fail"
        examples = [
            f"{self.origin.place(row)}: {error}"
            for step in steps
            for row, error in zip(step.rows, step.errors, strict=False)
        ]
        # Beyond the limit, operators are stopped.
        least = "at least " if self.tolerated < 0 else ""
        total = counted(len(self.origin.rows), "row")
        return f"{names} {verb} on {least}{self.failed:,} of {total}: {'; '.join(examples[:FEW])}"

    def losses(self) -> dict[str, float]:
        """Return the numbers of rows that were lost, as metrics; none if there are none."""
        counts = {
            "rows_failed": self.failed,
            "rows_without_text": len(self.origin.textless),
            "lines_unread": self.origin.unread,
        }
        return {name: count for name, count in counts.items() if count}

    def report(self) -> DroppedRows:
        """Return all rows that were removed."""
        return DroppedRows(self.origin.files, self.steps)

    def _numbers(self, positions: Sequence[int]) -> list[int]:
        import numpy as np

        chosen = np.asarray(positions, dtype=np.int64)
        numbers: list[int] = np.where(chosen >= 0, self.rows[chosen], -1).tolist()
        return numbers


def statistics_of(operator: Any) -> frozenset[str]:  # noqa: ANN401 (an operator, untyped)
    """Return the names of the statistics that an operator computes; empty if unknown."""
    known = operator_of(operator._name, {})  # noqa: SLF001
    return known.statistics if known else frozenset()


def bounds_of(operator: Any) -> list[StepBound]:  # noqa: ANN401 (an operator, untyped)
    """Return the bounds of a filter, by the names of its arguments."""
    bounds = []
    for name, value in vars(operator).items():
        side = {"min": BoundSide.LOWER, "max": BoundSide.UPPER}.get(name.partition("_")[0])
        number = isinstance(value, Real | Fraction) and not isinstance(value, bool)
        if side is not None and number and abs(value) < sys.maxsize:
            bounds.append(StepBound(name, float(value), side))
    return bounds
