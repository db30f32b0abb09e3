"""The scores of a run: comparisons, and everything that was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from djsb_report.reading import Reading, is_evaluation
from djsb_report.verdict import better_of, interval, percent, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import Contrast, JobRecord
    from djsb_report.findings import Findings, Pair

MOST_ROWS, MOST_CELLS = 60, 600


@dataclass(frozen=True)
class Track:
    """A relative change with its interval, as percentages of a scale that all rows share."""

    zero: float
    low: float
    high: float
    point: float


@dataclass(frozen=True)
class Score:
    """One metric of one pair of jobs."""

    before: str
    after: str
    metric: str
    unit: str
    old: float
    new: float
    difference: str
    relative: str
    interval: str
    better: str
    """``higher`` or ``lower``; empty if neither is better."""
    verdict: str
    track: Track | None


@dataclass(frozen=True)
class Measured:
    """All numbers of one evaluation."""

    name: str
    component: str
    values: Sequence[tuple[str, float, str]]
    """Name, value and unit."""


@dataclass(frozen=True)
class Scores:
    """Comparisons, and everything that was measured."""

    compared: Sequence[Score]
    left_out: int
    """Pairs of jobs that are not compared."""
    measured: Sequence[Measured]


def read_scores(reading: Reading, findings: Findings) -> Scores:
    """Format the comparisons of evaluations, and list what the evaluations measured."""
    rows = [(pair, contrast) for pair in findings.pairs for contrast in pair.scores][:MOST_ROWS]
    reach = max((_reach(contrast) for _, contrast in rows), default=0)
    compared = [_score(pair, contrast, reach) for pair, contrast in rows]
    return Scores(compared, findings.left_out, _measured(reading))


def _score(pair: Pair, contrast: Contrast, reach: float) -> Score:
    share = contrast.relative
    return Score(
        pair.before,
        pair.after,
        contrast.metric,
        contrast.unit,
        contrast.old,
        contrast.new,
        signed(contrast.difference.estimate),
        "" if share is None or not math.isfinite(share) else percent(share, sign="+"),
        interval(contrast),
        better_of(contrast),
        contrast.verdict,
        _track(contrast, reach),
    )


def _ends(contrast: Contrast) -> tuple[float, float]:
    """Return the ends of the interval of the relative change; without one, the change twice."""
    low, high = contrast.difference.interval or (
        contrast.difference.estimate,
        contrast.difference.estimate,
    )
    return low / abs(contrast.old), high / abs(contrast.old)


def _reach(contrast: Contrast) -> float:
    """Return how far a change reaches from zero; 0 if it cannot be drawn."""
    reach = max(map(abs, _ends(contrast))) if contrast.old else 0.0
    return reach if math.isfinite(reach) else 0.0


def _track(contrast: Contrast, reach: float) -> Track | None:
    estimate = contrast.difference.estimate
    if not contrast.old or reach <= 0 or not math.isfinite(estimate / contrast.old):
        return None
    places = (0.0, *_ends(contrast), estimate / abs(contrast.old))
    return Track(*(round(50 + 46 * place / reach, 2) for place in places))


def _rank(job: JobRecord, value: tuple[str, float]) -> int:
    """Rank a declared metric first, then details, then undeclared ones."""
    name = value[0]
    return 1 if job.is_detail(name) else 0 if job.is_declared(name) else 2


def _measured(reading: Reading) -> list[Measured]:
    evaluations: list[Measured] = []
    remaining = MOST_CELLS
    for job in reading.latest:
        if not is_evaluation(job) or remaining <= 0:
            continue
        values = sorted(reading.numbers(job).items(), key=partial(_rank, job))[:remaining]
        remaining -= len(values)
        rows = [(name, value, job.declared(name).unit) for name, value in values]
        label = reading.named(job.pipeline, job.meta_name)
        evaluations.append(Measured(label, job.component or job.hook, rows))
    return [evaluation for evaluation in evaluations if evaluation.values]
