"""How many rows each operator of a recipe left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import base_of, read_funnel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from djsb.records import Funnel as Counted
    from djsb_report.reading import Reading

MOST_JOBS, MOST_STEPS = 12, 60


@dataclass(frozen=True)
class Step:
    """One operator: the rows after it."""

    name: str
    rows: float
    dropped: float
    share: float
    """Percentage of the input rows."""


@dataclass(frozen=True)
class Funnel:
    """One processing job of a dataset."""

    name: str
    unit: str
    """What is counted, such as rows."""
    given: float
    kept: float
    steps: Sequence[Step]
    left_out: int


def read_funnels(reading: Reading) -> list[Funnel]:
    """Read the rows that the jobs of the last iteration reported after each operator."""
    funnels: list[Funnel] = []
    for job in reading.distinct:
        if len(funnels) == MOST_JOBS:
            break
        counted = read_funnel(job, reading.metrics(job))
        if counted is None or not counted.given:
            continue
        # A job that reports no steps is a single step.
        steps = list(_steps(counted.steps or [(job.component or job.hook, counted.kept)], counted))
        funnels.append(
            Funnel(
                reading.named(base_of(job.pipeline), job.meta_name),
                counted.unit,
                counted.given,
                counted.kept,
                steps[:MOST_STEPS],
                max(0, len(steps) - MOST_STEPS),
            )
        )
    return funnels


def _steps(counts: Iterable[tuple[str, float]], funnel: Counted) -> Iterator[Step]:
    before = funnel.given
    for name, rows in counts:
        yield Step(name, rows, before - rows, round(100 * rows / funnel.given, 2))
        before = rows
