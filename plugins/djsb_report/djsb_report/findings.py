"""What a run scored twice: each later job beside the first that scored the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import Measurements, contrasts, pairs_within
from djsb_report.reading import is_evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import Contrast, Replicates
    from djsb_report.reading import Reading

MOST_PAIRS = 12
"""Pairs of jobs that are compared."""


@dataclass(frozen=True)
class Pair:
    """Two jobs that scored the same thing: the first of the run, and a later one."""

    before: str
    after: str
    scores: Sequence[Contrast]
    samples: int | None
    """How many samples stand behind the intervals, where they are of samples."""

    @property
    def deciding(self) -> Sequence[Contrast]:
        """Prefer scores with an interval: only those tell an effect from chance."""
        return [one for one in self.scores if one.difference.interval] or self.scores

    @property
    def seeds(self) -> int:
        """How many training runs with other seeds each side has at least; 1 without repetition."""
        return max(min(one.replicates) for one in self.scores)


@dataclass(frozen=True)
class Findings:
    """All pairs of a run, as far as they are compared."""

    pairs: Sequence[Pair]
    left_out: int


def find(reading: Reading) -> Findings:
    """Compare the evaluations of the last iteration: by hook and component, the first with each."""
    measured = Measurements(reading.store)
    waiting = list(pairs_within(job for job in reading.latest if is_evaluation(job)))
    pairs = [_compare(reading, measured, *pair) for pair in waiting[:MOST_PAIRS]]
    return Findings([pair for pair in pairs if pair.scores], max(0, len(waiting) - MOST_PAIRS))


def _compare(
    reading: Reading, measured: Measurements, before: Replicates, after: Replicates
) -> Pair:
    scores = [
        one
        for one in contrasts(measured, before, after)
        if one.higher_is_better is not None and not one.minor
    ]
    return Pair(
        reading.named(before.pipeline, before.first.meta_name),
        reading.named(after.pipeline, after.first.meta_name),
        scores,
        _samples_behind(measured, after, scores),
    )


def _samples_behind(
    measured: Measurements, after: Replicates, scores: Sequence[Contrast]
) -> int | None:
    job = next(iter(after.finished.values()))
    for one in scores:
        samples = measured.samples(job, one.metric)
        if one.replicates == (1, 1) and one.difference.interval and samples:
            return len(samples.values)
    return None
