"""How many rows each operator of a recipe left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import base_of
from djsb_report.reading import TRAINING, Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

AFTER = "after."
MOST_JOBS, MOST_STEPS = 12, 60


@dataclass(frozen=True)
class Step:
    """One operator: the rows after it."""

    name: str
    rows: float
    dropped: float
    share: float
    """Of the rows given, in percent."""


@dataclass(frozen=True)
class Funnel:
    """One processing of a dataset."""

    name: str
    rows_in: float
    rows_kept: float
    steps: Sequence[Step]
    left_out: int


def read_funnels(reading: Reading) -> list[Funnel]:
    """Read the rows that the jobs of the last iteration reported after each operator."""
    found: list[Funnel] = []
    for job in reading.distinct:
        if len(found) == MOST_JOBS:
            break
        numbers = reading.numbers(job) if job.hook != TRAINING else {}
        given = numbers.get("rows_in")
        if not given or "rows_kept" not in numbers:
            continue
        before, steps = given, []
        for name, rows in numbers.items():
            if name.startswith(AFTER):
                share = round(100 * rows / given, 2)
                steps.append(Step(name.removeprefix(AFTER), rows, before - rows, share))
                before = rows
        kept, label = numbers["rows_kept"], reading.named(base_of(job.pipeline), job.meta_name)
        if not steps:
            steps.append(Step(job.component or job.hook, kept, given - kept, 100 * kept / given))
        left_out = max(0, len(steps) - MOST_STEPS)
        found.append(Funnel(label, given, kept, steps[:MOST_STEPS], left_out))
    return found
