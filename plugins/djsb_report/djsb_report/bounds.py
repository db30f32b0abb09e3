"""The bounds that a refinement set, and the statistics that they bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb_core.api import BoundSide, read_changes

if TYPE_CHECKING:
    from djsb.records import JobRecord
    from djsb_report.reading import Reading


@dataclass(frozen=True)
class Bound:
    """One argument of an operator, before and after the refinement."""

    operator: str
    argument: str
    old: float | None
    new: float
    statistic: str | None
    """The statistic that it bounds; ``None`` if the refinement does not declare it."""
    side: BoundSide | None = None

    @property
    def is_lower(self) -> bool:
        """Tell whether values below it are dropped."""
        return self.side is BoundSide.LOWER

    def drops(self, value: float) -> bool:
        """Tell whether a sample with this value is outside."""
        return value < self.new if self.is_lower else value > self.new and self.side is not None


def read_bounds(reading: Reading, job: JobRecord) -> list[Bound]:
    """Read the bounds that a refinement reported."""
    return [
        Bound(
            change.operator, change.argument, change.old, change.new, change.statistic, change.side
        )
        for change in read_changes(reading.metrics(job))
    ]
