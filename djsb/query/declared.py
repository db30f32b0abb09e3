"""What jobs and metrics are: the only module of the lab that knows hooks and metrics by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from djsb.store.records import JobRecord

EVALUATION, EXECUTION = "evaluation", "execution"
PROBE, TRAINING = "ProbeViaAnalyzerHook", "TrainModelHook"

MEAN = ".mean"
"""Of a probe's statistics, the one that is compared."""

SECONDARY = ("stderr", "seconds", "refined.", "after.")
"""Parts of the names of metrics that describe others, or the machine."""

OF_TRAINING = ("documents", "tokens")
"""What a training run saw: that it is equal is what makes the models comparable."""

COUNTS = {"rows": ("rows_in", "rows_kept")}
"""Pairs of metrics with which one job counts its dataset before and after its work."""

DATA = "dataset"
"""In the names of settings that say of which samples a metric is."""


def is_secondary(metric: str) -> bool:
    """Tell whether a metric (without its job) describes another one, or how fast the machine is."""
    return any(part in metric for part in SECONDARY)


def is_minor(jobs: Iterable[JobRecord], metric: str) -> bool:
    """Tell whether a metric of these jobs is shown only to those who ask for everything."""
    is_probe = any(job.hook == PROBE for job in jobs)
    return is_secondary(metric) or (is_probe and not metric.endswith(MEAN))


def is_summarized(job: JobRecord, metric: str) -> bool:
    """Tell whether a metric that a job measured belongs to the summary of its run."""
    if job.hook == PROBE:
        return metric.endswith(MEAN)
    if job.hook == TRAINING:
        return metric in OF_TRAINING
    return not is_secondary(metric)


def is_shown_unchanged(job: JobRecord) -> bool:
    """Tell whether a summary shows what a job measured even where nothing has changed."""
    return job.hook in (PROBE, TRAINING)


def is_evaluation(job: JobRecord) -> bool:
    """Tell whether a job scores data or a model."""
    return job.stage == EVALUATION and job.hook != PROBE


def direction_of(jobs: Iterable[JobRecord], metric: str) -> bool | None:
    """Tell whether more of a metric is better: ``None`` where nobody says, or not all the same.

    Jobs that train or process see different data: their numbers differ, none is better.
    """
    jobs = list(jobs)
    if any(job.stage == EXECUTION for job in jobs):
        return None
    known = {job.directions[metric] for job in jobs if metric in job.directions}
    return known.pop() if len(known) == 1 else None


def is_of_data(setting: str) -> bool:
    """Tell whether a setting, by its dotted name, says of which samples a metric is."""
    return DATA in setting


def counts_of(metrics: Mapping[str, float | str]) -> dict[str, tuple[float, float]]:
    """Return what a job counted before and after its work, by what it counted."""
    counts = {}
    for name, (before, after) in COUNTS.items():
        old, new = metrics.get(before), metrics.get(after)
        if isinstance(old, int | float) and isinstance(new, int | float):
            counts[name] = (old, new)
    return counts
