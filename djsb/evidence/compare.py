"""Before and after: the same measurement made twice in one run, and how sure the difference is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb_core.interfaces.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb.store.records import JobRecord
    from djsb.store.store import Store
    from djsb_core.interfaces.hook import Role
    from djsb_core.job.reports import SampleValues

CONFIDENT = 1.96
"""Standard errors beyond which a difference is called clear (95 %, normal approximation)."""


BARE = Metric("")


@dataclass(frozen=True)
class Comparison:
    """One metric, measured before and after."""

    metric: str
    before: str
    """The ``meta_name`` of the job that measured first."""
    after: str
    old: float
    new: float
    standard_error: float | None = None
    """Of the difference, over paired samples or seeds; ``None`` where there are none."""
    higher_is_better: bool | None = None
    role: Role | None = None
    """Of the jobs that measured it."""
    pipeline: str = ""
    seeds: int = 1
    """How many repetitions the values are means of."""
    errors: tuple[float, float] | None = None
    """Standard errors of the two means over seeds."""
    half_width: float | None = None
    """Of the difference's 95 % interval over seeds."""
    declared: Metric = BARE
    """What its component says of the metric."""

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.new - self.old

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``no clear difference``; empty where there is no direction."""
        bound = self.half_width
        if bound is None and self.standard_error is not None:
            bound = CONFIDENT * self.standard_error
        if bound is not None and abs(self.difference) <= bound:
            return "no clear difference"
        if self.higher_is_better is None or self.difference == 0 or math.isnan(self.difference):
            return ""
        return "better" if (self.difference > 0) is self.higher_is_better else "worse"


def compare_jobs(store: Store, jobs: Sequence[JobRecord]) -> Iterator[Comparison]:
    """Compare the jobs of one run that measured the same thing twice.

    Jobs belong together when iteration, pipeline, hook and component are the same; the first is
    what the later ones are compared with.
    """
    groups: dict[tuple[int, str, str, str | None], list[JobRecord]] = {}
    for job in jobs:
        if job.status in ("finished", "cached"):
            key = (job.iteration, job.pipeline, job.hook, job.component)
            groups.setdefault(key, []).append(job)
    for first, *later in groups.values():
        for job in later:
            yield from _compare(store, first, job)


def _compare(store: Store, before: JobRecord, after: JobRecord) -> Iterator[Comparison]:
    old, new = results_of(store, before), results_of(store, after)
    old_samples, new_samples = store.samples(before.id), store.samples(after.id)
    for name in old:
        if name in new:
            yield Comparison(
                name,
                before.meta_name,
                after.meta_name,
                old[name],
                new[name],
                _standard_error(name, old_samples, new_samples),
                after.direction(name),
                after.role,
                after.pipeline,
                declared=after.declared(name),
            )


def results_of(store: Store, job: JobRecord) -> dict[str, float]:
    """Return a job's numbers; what ended as a series, such as the loss of a step, is no result."""
    last = {point.name: point for point in store.points(job.id)}
    return {
        name: point.value
        for name, point in last.items()
        if point.step is None and isinstance(point.value, int | float)
    }


def _standard_error(
    name: str, old: Mapping[str, SampleValues], new: Mapping[str, SampleValues]
) -> float | None:
    if name not in old or name not in new:
        return None
    if old[name].weights != new[name].weights:
        return None  # other tokens or bytes: not the same samples
    return paired_standard_error(old[name], new[name])


def paired_standard_error(old: SampleValues, new: SampleValues) -> float | None:
    """Return the standard error of the difference of two ratio estimates over the same samples.

    The metric is ``r = Σ values / Σ weights``. By linearization (Cochran, Sampling Techniques,
    3rd ed., 2.11 and 6.4), the variance of ``r_new - r_old`` is that of the mean of
    ``(v_new - r_new w_new) / mean(w_new) - (v_old - r_old w_old) / mean(w_old)``.

    :return: ``None`` where the samples cannot be paired, or there are fewer than two
    """
    count = len(old.values)
    if count != len(new.values) or count < 2:  # noqa: PLR2004 (no variance of one)
        return None
    if not all(_is_usable(samples) for samples in (old, new)):
        return None
    residuals = [
        b - a for a, b in zip(_linearized(old), _linearized(new), strict=True)
    ]  # their mean is 0
    return math.sqrt(math.fsum(r * r for r in residuals) / (count * (count - 1)))


def _is_usable(samples: SampleValues) -> bool:
    weights = samples.weights or [1.0]
    return all(map(math.isfinite, (*samples.values, *weights))) and math.fsum(weights) > 0


def _linearized(samples: SampleValues) -> list[float]:
    weights = samples.weights or [1.0] * len(samples.values)
    total = math.fsum(weights)
    ratio, mean = math.fsum(samples.values) / total, total / len(weights)
    return [
        (value - ratio * weight) / mean
        for value, weight in zip(samples.values, weights, strict=True)
    ]
