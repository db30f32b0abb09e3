"""What jobs report as doubtful about their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.metrics import MetricKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from djsb.store.records import JobRecord
    from djsb.store.store import Store
    from djsb_core.job.reports import Point
    from djsb_core.metrics import Declarations


def warnings_in(points: Iterable[Point], declarations: Declarations) -> list[str]:
    """List the texts that a job declares to be warnings, each once."""
    return list(
        dict.fromkeys(
            point.value
            for point in points
            if isinstance(point.value, str)
            and declarations.find(point.name).kind is MetricKind.WARNING
        )
    )


def warnings_of(store: Store, job: JobRecord) -> list[str]:
    """List the warnings of a recorded job, each once."""
    names = [m.name for m in job.declarations.metrics if m.kind is MetricKind.WARNING]
    return warnings_in(store.points(job.id), job.declarations) if names else []
