"""What a run scored twice: each later job beside the first that scored the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import Side, base_of, compare_sides
from djsb_report.reading import DONE, EVALUATION, PROBE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import JobRecord, Metric
    from djsb_report.reading import Reading

MOST_PAIRS = 12
"""Pairs of jobs that are compared: an interval takes a tenth of a second."""

UNCLEAR = "no clear difference"


@dataclass(frozen=True)
class Finding:
    """One score, before and after."""

    metric: Metric

    @property
    def word(self) -> str:
        """``better``, ``worse`` or ``no clear difference``."""
        return self.metric.verdict(0) or UNCLEAR

    @property
    def old(self) -> float:
        """The score before; the mean of several seeds."""
        return self.metric.values[0] or 0.0

    @property
    def new(self) -> float:
        """The score after; likewise."""
        return self.metric.values[1] or 0.0

    @property
    def difference(self) -> float:
        """After minus before."""
        found = self.metric.differences[0]
        return found.estimate if found else self.new - self.old

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the difference, where it is known."""
        found = self.metric.differences[0]
        if found is None or found.low is None or found.high is None:
            return None
        return found.low, found.high


@dataclass(frozen=True)
class Pair:
    """Two jobs that scored the same thing: the first of the run, and a later one."""

    before: str
    after: str
    scores: Sequence[Finding]
    trainings: int
    """How often each side was repeated with another seed."""
    samples: int | None
    """How many samples stand behind the intervals, where they are of samples."""

    @property
    def deciding(self) -> Sequence[Finding]:
        """Prefer scores with an interval: only those tell an effect from chance."""
        return [one for one in self.scores if one.interval is not None] or self.scores


@dataclass(frozen=True)
class Findings:
    """All pairs of a run, as far as they are compared."""

    pairs: Sequence[Pair]
    left_out: int


def find(reading: Reading) -> Findings:
    """Compare the evaluations of the last iteration: by hook and component, the first with each."""
    groups: dict[tuple[str, ...], dict[str, list[JobRecord]]] = {}
    for job in reading.latest:
        if job.stage == EVALUATION and job.hook != PROBE and job.status in DONE:
            key = (base_of(job.pipeline), job.hook, job.component or "")
            groups.setdefault(key, {}).setdefault(job.meta_name, []).append(job)
    sides = [list(named.values()) for named in groups.values()]
    waiting = [(first, later) for first, *rest in sides for later in rest]
    pairs = [_compare(reading, *pair) for pair in waiting[:MOST_PAIRS]]
    return Findings([one for one in pairs if one.scores], max(0, len(waiting) - MOST_PAIRS))


def _compare(reading: Reading, before: list[JobRecord], after: list[JobRecord]) -> Pair:
    found = compare_sides(reading.store, [_side(reading, before), _side(reading, after)])
    scores = [
        Finding(one)
        for one in found.metrics
        if one.higher_is_better is not None and not one.minor and None not in one.values
    ]
    trainings = min(len(before), len(after))
    samples = None
    if trainings == 1:
        counts = {name: len(one.values) for name, one in reading.store.samples(after[0].id).items()}
        known = [counts[one.metric.name] for one in scores if one.metric.name in counts]
        samples = known[0] if known else None
    return Pair(_label(reading, before), _label(reading, after), scores, trainings, samples)


def _label(reading: Reading, jobs: Sequence[JobRecord]) -> str:
    return reading.named(base_of(jobs[0].pipeline), jobs[0].meta_name)


def _side(reading: Reading, jobs: list[JobRecord]) -> Side:
    name = jobs[0].meta_name
    return Side(name, reading.run, name, tuple(jobs), tuple(reading.latest))
