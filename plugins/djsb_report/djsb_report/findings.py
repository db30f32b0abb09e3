"""What a run scored twice: each later job compared with the first of the same kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from djsb.records import Measurements, contrasts, pairs_within, rows_of
from djsb_report.reading import is_evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import Contrast, Replicates
    from djsb_report.reading import Reading

MOST_PAIRS = 12
"""Number of pairs of jobs that are compared."""


@dataclass(frozen=True)
class Pair:
    """Two jobs that scored the same thing: the first of the run and a later one, or of two runs."""

    before: str
    """What is compared: the name of a job, or of its run."""
    after: str
    scores: Sequence[Contrast]
    samples: int | None
    """Number of samples that the intervals are based on, if they are."""

    @property
    def deciding(self) -> Sequence[Contrast]:
        """Scores with a direction, if any; of them those with an interval, if any.

        Only an interval tells an effect from chance.
        """
        own = [score for score in self.scores if score.function_of is None] or self.scores
        judged = [score for score in own if score.higher_is_better is not None]
        scores = judged or own
        return [score for score in scores if score.difference.interval] or scores

    @property
    def seeds(self) -> int:
        """Minimum number of seeds on either side; 1 without repetition."""
        return max(min(score.replicates) for score in self.scores)


@dataclass(frozen=True)
class Findings:
    """The compared pairs of a run."""

    pairs: Sequence[Pair]
    left_out: int


def find(reading: Reading) -> Findings:
    """Compare the evaluations of the last iteration: by hook and component, the first with each."""
    measured = Measurements(reading.store)
    candidates = list(pairs_within(job for job in reading.latest if is_evaluation(job)))
    pairs = [_compare(reading, measured, *pair) for pair in candidates[:MOST_PAIRS]]
    return Findings([pair for pair in pairs if pair.scores], max(0, len(candidates) - MOST_PAIRS))


def find_against(reading: Reading, other: Reading) -> Findings:
    """Compare the evaluations of a run with those of another one, job by job."""
    measured = Measurements(reading.store)
    sides = [[job for job in one.latest if is_evaluation(job)] for one in (other, reading)]
    candidates = [(before, after) for before, after in rows_of(sides) if before and after]
    pairs = []
    for before, after in candidates[:MOST_PAIRS]:
        pair = _compare(reading, measured, before, after)
        names = (f"run {other.run.id}", f"run {reading.run.id}")
        if len(candidates) > 1:
            names = (f"{pair.before} of {names[0]}", f"{pair.after} of {names[1]}")
        pairs.append(replace(pair, before=names[0], after=names[1]))
    return Findings([pair for pair in pairs if pair.scores], max(0, len(candidates) - MOST_PAIRS))


def _compare(
    reading: Reading, measured: Measurements, before: Replicates, after: Replicates
) -> Pair:
    scores = [
        contrast
        for contrast in contrasts(measured, before, after)
        if contrast.is_score and not contrast.minor
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
    for score in scores:
        samples = measured.samples(job, score.metric)
        if score.replicates == (1, 1) and score.difference.interval and samples:
            return len(samples.values)
    return None
