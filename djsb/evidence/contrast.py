"""One metric of two jobs that made the same measurement: its difference and verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from djsb.cache.cache import KEY
from djsb.evidence.difference import (
    CLOSE,
    Difference,
    difference,
    is_mean_of,
    sample_difference,
)
from djsb.evidence.linearized import mean_of, standard_error
from djsb.evidence.pairing import data_contents, have_same_data
from djsb.evidence.verdict import Verdict, judge
from djsb.query.declared import base_metric_of, direction_of, is_minor, is_score, unit_of
from djsb.store.values import read_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from djsb.evidence.alignment import Replicates
    from djsb.evidence.pairing import Contents
    from djsb.store.records import JobRecord
    from djsb.store.store import Store
    from djsb_core.job.reports import SampleValues

    Values = Mapping[str, float]
    """One per seed."""


EXPONENTIAL = "exp of the interval of "
"""Method of an interval that follows from that of another metric; then its name."""


@dataclass(frozen=True)
class Contrast:
    """One metric, before and after."""

    metric: str
    old: float
    """The mean over seeds, if there are several."""
    new: float
    difference: Difference
    higher_is_better: bool | None = None
    minor: bool = False
    """Whether it describes another metric, or the speed of the machine."""
    replicates: tuple[int, int] = (1, 1)
    """Number of seeds that each value is the mean of; 1 if the seed changes nothing."""
    errors: tuple[float | None, float | None] = (None, None)
    """Standard errors of the two means over seeds."""
    is_score: bool = False
    """Whether it is a result: it has a direction, or is a primary score without one."""
    unit: str = ""
    function_of: str | None = None
    """The metric that it is a function of, and that has the verdict."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on the later value, compared with the first."""
        if self.function_of is not None and self.difference.estimate != 0:
            return Verdict.NONE
        return judge(self.difference, higher_is_better=self.higher_is_better)

    @property
    def relative(self) -> float | None:
        """The difference as a fraction of the first value."""
        return self.difference.estimate / abs(self.old) if self.old else None


@dataclass(frozen=True)
class Measurements:
    """What the jobs of a store measured; each run is read once."""

    store: Store
    _results: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    _files: dict[str, dict[int, dict[str, Path]]] = field(default_factory=dict)
    _samples: dict[Path, SampleValues | None] = field(default_factory=dict)
    _contents: dict[int, Contents] = field(default_factory=dict)

    def results(self, job: JobRecord) -> dict[str, float]:
        """Return a job's numeric results, without series such as the loss of each step."""
        if job.run_id not in self._results:
            self._results[job.run_id] = {
                job_id: {k: value for k, value in results.items() if isinstance(value, int | float)}
                for job_id, results in self.store.results(job.run_id).items()
            }
        return self._results[job.run_id].get(job.id, {})

    def samples(self, job: JobRecord, metric: str) -> SampleValues | None:
        """Return the per-sample values of a metric, if they were kept."""
        if job.run_id not in self._files:
            self._files[job.run_id] = self.store.sample_files(job.run_id)
        path = self._files[job.run_id].get(job.id, {}).get(metric)
        if path is None:
            return None
        if path not in self._samples:
            self._samples[path] = read_samples(path)
        return self._samples[path]

    def have_same_data(self, before: JobRecord, after: JobRecord) -> bool:
        """Return whether two jobs measured the same samples."""

        def contents_of(job: JobRecord) -> Contents:
            if job.id not in self._contents:
                record = job.files and self.store.readable(job.files.parent / KEY)
                self._contents[job.id] = data_contents(job) if record else None
            return self._contents[job.id]

        return have_same_data(before, after, contents_of)

    def values(self, replicates: Replicates, metric: str) -> dict[str, float]:
        """Return the values of each finished repetition of a job, by seed."""
        measured = {seed: self.results(job) for seed, job in replicates.finished.items()}
        return {seed: results[metric] for seed, results in measured.items() if metric in results}

    def metrics(self, replicates: Replicates) -> list[str]:
        """List the metrics of a job's repetitions, in their order."""
        return list(
            dict.fromkeys(m for job in replicates.finished.values() for m in self.results(job))
        )


def contrasts(measured: Measurements, before: Replicates, after: Replicates) -> Iterator[Contrast]:
    """Compare all metrics that two jobs have in common."""
    for metric in measured.metrics(before):
        result = contrast(measured, before, after, metric)
        if result is not None:
            yield result


def contrast(
    measured: Measurements, before: Replicates, after: Replicates, metric: str
) -> Contrast | None:
    """Compare one metric of two jobs; ``None`` if one of them has not measured it."""
    result = _compared(measured, before, after, metric)
    if result is None:
        return None
    jobs = (before.first, after.first)
    base = base_metric_of(jobs, metric)
    if base is not None:
        source = _compared(measured, before, after, base)
        if source is not None:
            result = replace(result, difference=exponential(result, source))
    return replace(
        result, is_score=is_score(jobs, metric), unit=unit_of(jobs, metric), function_of=base
    )


def exponential(result: Contrast, source: Contrast) -> Difference:
    """Return the difference of exp(x), with the interval that follows from that of x.

    exp(b) - exp(a) = exp(a) (exp(b - a) - 1) increases with b - a; exp(a) is taken as given.
    Without an interval if the result is not the exponential of the source: the mean of exp(x) over
    seeds is another number.
    """
    gap, estimate = source.difference, result.difference.estimate
    try:
        pairs = [(math.exp(source.old), result.old), (math.exp(source.new), result.new)]
        if gap.interval is None or not all(math.isclose(*pair, rel_tol=CLOSE) for pair in pairs):
            return Difference(estimate)
        low, high = (result.old * math.expm1(end) for end in gap.interval)
    except OverflowError:
        return Difference(estimate)
    return Difference(estimate, low, high, f"{EXPONENTIAL}{source.metric}")


def _compared(
    measured: Measurements, before: Replicates, after: Replicates, metric: str
) -> Contrast | None:
    old, new = measured.values(before, metric), measured.values(after, metric)
    if not (old and new):
        return None
    jobs = (before.first, after.first)
    direction, minor = direction_of(jobs, metric), is_minor(jobs, metric)
    if is_repeated(old, new):
        return over_seeds(metric, old, new, higher_is_better=direction, minor=minor)
    # The seed changes nothing (or there is only one): only the samples vary by chance.
    seed = next((seed for seed in old if seed in new), None)
    first, later = (next(iter(old)), next(iter(new))) if seed is None else (seed, seed)
    values = old[first], new[later]
    gap = _over_samples(measured, (before.jobs[first], after.jobs[later]), values, metric)
    return Contrast(metric, *values, gap, direction, minor)


def is_repeated(old: Values, new: Values) -> bool:
    """Tell whether the values of at least one side differ between seeds."""
    return len(set(old.values())) > 1 or len(set(new.values())) > 1


def over_seeds(
    metric: str,
    old: Values,
    new: Values,
    *,
    higher_is_better: bool | None = None,
    minor: bool = False,
) -> Contrast:
    """Compare the values of several seeds; paired by seed if both sides have the same seeds."""
    paired = old.keys() == new.keys()
    before = list(old.values())
    after = [new[seed] for seed in old] if paired else list(new.values())
    return Contrast(
        metric,
        mean_of(before),
        mean_of(after),
        difference(before, after, paired=paired),
        higher_is_better,
        minor,
        (len(before), len(after)),
        (standard_error(before), standard_error(after)),
    )


def _over_samples(
    measured: Measurements,
    jobs: tuple[JobRecord, JobRecord],
    values: tuple[float, float],
    metric: str,
) -> Difference:
    """Compare two values, with an interval from their samples if they are means of those."""
    estimate = values[1] - values[0]
    old, new = (measured.samples(job, metric) for job in jobs)
    if (
        old is None
        or new is None
        or not (is_mean_of(values[0], old) and is_mean_of(values[1], new))
    ):
        return Difference(estimate)
    gap = sample_difference(old, new, paired=measured.have_same_data(*jobs))
    return gap.around(estimate) if gap else Difference(estimate)
