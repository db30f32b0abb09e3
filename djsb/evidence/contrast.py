"""One metric of two jobs that made the same measurement: how it differs, and what that means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from djsb.evidence.difference import Difference, difference, is_mean_of, sample_difference
from djsb.evidence.linearized import mean_of, standard_error
from djsb.evidence.pairing import have_same_data
from djsb.evidence.verdict import Verdict, judge
from djsb.query.declared import direction_of, is_minor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb.evidence.alignment import Replicates
    from djsb.store.records import JobRecord
    from djsb.store.store import Store
    from djsb_core.job.reports import SampleValues

    Values = Mapping[str, float]
    """One per seed."""


@dataclass(frozen=True)
class Contrast:
    """One metric, before and after."""

    metric: str
    old: float
    """The mean over seeds, where there are several."""
    new: float
    difference: Difference
    higher_is_better: bool | None = None
    minor: bool = False
    """Whether it describes another metric, or how fast the machine is."""
    replicates: tuple[int, int] = (1, 1)
    """Of how many seeds the two values are means; 1 where the seed changes nothing."""
    errors: tuple[float | None, float | None] = (None, None)
    """Standard errors of the two means over seeds."""

    @property
    def verdict(self) -> Verdict:
        """What the later value is, compared with the first."""
        return judge(self.difference, higher_is_better=self.higher_is_better)

    @property
    def relative(self) -> float | None:
        """The difference as a share of the first value."""
        return self.difference.estimate / abs(self.old) if self.old else None


@dataclass(frozen=True)
class Measurements:
    """What the jobs of a store measured; each job is read once."""

    store: Store
    _results: dict[int, dict[str, float]] = field(default_factory=dict)
    _samples: dict[int, dict[str, SampleValues]] = field(default_factory=dict)

    def results(self, job: JobRecord) -> dict[str, float]:
        """Return a job's numbers; what ended as a series, such as the loss of a step, is none."""
        if job.id not in self._results:
            last = {point.name: point for point in self.store.points(job.id)}
            self._results[job.id] = {
                name: point.value
                for name, point in last.items()
                if point.step is None and isinstance(point.value, int | float)
            }
        return self._results[job.id]

    def samples(self, job: JobRecord, metric: str) -> SampleValues | None:
        """Return a metric's values for each sample, where they were kept."""
        if job.id not in self._samples:
            self._samples[job.id] = self.store.samples(job.id)
        return self._samples[job.id].get(metric)

    def values(self, one: Replicates, metric: str) -> dict[str, float]:
        """Return what each repetition of a job that finished measured, by seed."""
        measured = {seed: self.results(job) for seed, job in one.finished.items()}
        return {seed: results[metric] for seed, results in measured.items() if metric in results}

    def metrics(self, one: Replicates) -> list[str]:
        """Name the metrics of a job's repetitions, in their order."""
        return list(dict.fromkeys(m for job in one.finished.values() for m in self.results(job)))


def contrasts(measured: Measurements, before: Replicates, after: Replicates) -> Iterator[Contrast]:
    """Compare all metrics that two jobs have in common."""
    for metric in measured.metrics(before):
        found = contrast(measured, before, after, metric)
        if found is not None:
            yield found


def contrast(
    measured: Measurements, before: Replicates, after: Replicates, metric: str
) -> Contrast | None:
    """Compare one metric of two jobs; ``None`` where one of them has not measured it."""
    old, new = measured.values(before, metric), measured.values(after, metric)
    if not (old and new):
        return None
    jobs = (before.first, after.first)
    direction, minor = direction_of(jobs, metric), is_minor(jobs, metric)
    if is_repeated(old, new):
        return over_seeds(metric, old, new, higher_is_better=direction, minor=minor)
    # The seed changes nothing (or there is one): what is left of chance is in the samples.
    seed = next((seed for seed in old if seed in new), None)
    first, later = (next(iter(old)), next(iter(new))) if seed is None else (seed, seed)
    values = old[first], new[later]
    gap = _over_samples(measured, (before.jobs[first], after.jobs[later]), values, metric)
    return Contrast(metric, *values, gap, direction, minor)


def is_repeated(old: Values, new: Values) -> bool:
    """Tell whether one side at least was measured with several seeds that changed something."""
    return len(set(old.values())) > 1 or len(set(new.values())) > 1


def over_seeds(
    metric: str,
    old: Values,
    new: Values,
    *,
    higher_is_better: bool | None = None,
    minor: bool = False,
) -> Contrast:
    """Compare the values of several seeds; where both sides have the same, each seed is a pair."""
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
    """Compare two values; how sure that is, their samples say, if those make the values."""
    estimate = values[1] - values[0]
    old, new = (measured.samples(job, metric) for job in jobs)
    if (
        old is None
        or new is None
        or not (is_mean_of(values[0], old) and is_mean_of(values[1], new))
    ):
        return Difference(estimate)
    gap = sample_difference(old, new, paired=have_same_data(*jobs))
    return gap.around(estimate) if gap else Difference(estimate)
