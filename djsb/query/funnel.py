"""How much of a job's input each of its steps left, as its component declares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb_core.metrics import Flow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb.store.records import JobRecord

UNIT = "rows"
"""Default if a component declares none."""


@dataclass(frozen=True)
class Funnel:
    """The size of a job's input, after each step, and of its output."""

    unit: str
    given: float
    kept: float
    steps: Sequence[tuple[str, float]]
    """Name of each step, and what was left after it."""


def read_funnel(job: JobRecord, metrics: Mapping[str, float | str]) -> Funnel | None:
    """Find the counts of a funnel among a job's metrics; ``None`` if it has no ends."""
    ends: dict[Flow, float] = {}
    steps: list[tuple[str, float]] = []
    unit = ""
    for name, value in metrics.items():
        declared = job.declared(name)
        if declared.flow is None or not isinstance(value, int | float):
            continue
        if declared.flow is Flow.STEP:
            steps.append(((declared.match(name) or (name,))[0], value))
        else:
            ends.setdefault(declared.flow, value)
            unit = declared.unit or unit
    if not ends.keys() >= {Flow.GIVEN, Flow.KEPT}:
        return None
    return Funnel(unit or UNIT, ends[Flow.GIVEN], ends[Flow.KEPT], steps)
