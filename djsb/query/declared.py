"""What jobs declare of a metric that several of them measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb.store.records import UNJUDGED
from djsb_core.interfaces.hook import Role
from djsb_core.metrics import MetricKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from djsb.store.records import JobRecord


def is_minor(jobs: Iterable[JobRecord], metric: str) -> bool:
    """Tell whether a metric of these jobs is shown only on request."""
    return not any(job.is_shown(metric) for job in jobs)


def is_summarized(job: JobRecord, metric: str) -> bool:
    """Tell whether a metric of a job belongs to the summary of its run."""
    return job.declared(metric).primary if _is_selective(job, metric) else job.is_shown(metric)


def is_shown_unchanged(job: JobRecord, metric: str) -> bool:
    """Tell whether a summary shows a metric even if it has not changed."""
    return _is_selective(job, metric)


def is_score(jobs: Iterable[JobRecord], metric: str) -> bool:
    """Tell whether a metric of these jobs is a result, even if neither direction is better."""
    jobs = list(jobs)
    return not any(job.role in UNJUDGED for job in jobs) and any(
        job.is_score(metric) for job in jobs
    )


def unit_of(jobs: Iterable[JobRecord], metric: str) -> str:
    """Return the unit of a metric of these jobs; empty if undeclared or contradictory."""
    units = {job.declared(metric).unit for job in jobs} - {""}
    return units.pop() if len(units) == 1 else ""


def direction_of(jobs: Iterable[JobRecord], metric: str) -> bool | None:
    """Tell whether higher values of a metric are better; ``None`` if undeclared or contradictory.

    Jobs that process or train see different data: their numbers differ, none is better.
    """
    jobs = list(jobs)
    if any(job.role in UNJUDGED for job in jobs):
        return None
    known = {job.direction(metric) for job in jobs} - {None}
    return known.pop() if len(known) == 1 else None


def base_metric_of(jobs: Iterable[JobRecord], metric: str) -> str | None:
    """Return the metric that a metric is declared to be a function of, if there is one."""
    return next((base for job in jobs if (base := job.declared(metric).function_of)), None)


def _is_selective(job: JobRecord, metric: str) -> bool:
    """Tell whether only the primary metrics of this kind are shown, changed or not."""
    return job.role is Role.TRAIN or job.declared(metric).kind is MetricKind.STATISTIC
