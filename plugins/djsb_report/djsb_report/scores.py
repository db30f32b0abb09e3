"""The scores of a run: what was compared, and all that was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import is_secondary
from djsb_report.reading import DONE, EVALUATION, PROBE, Reading
from djsb_report.verdict import interval, percent, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import JobRecord
    from djsb_report.findings import Finding, Findings, Pair

MOST_ROWS, MOST_CELLS = 60, 600


@dataclass(frozen=True)
class Track:
    """A relative change with its interval on a scale that all rows share, in percent of it."""

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
    old: float
    new: float
    difference: str
    relative: str
    interval: str
    better: str
    """``higher`` or ``lower``."""
    verdict: str
    track: Track | None


@dataclass(frozen=True)
class Measured:
    """All numbers of one evaluation."""

    name: str
    component: str
    values: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Scores:
    """What was compared, and all that was measured."""

    compared: Sequence[Score]
    left_out: int
    """Pairs of jobs that are not compared."""
    measured: Sequence[Measured]


def read_scores(reading: Reading, findings: Findings) -> Scores:
    """Lay the comparisons of evaluations out, and list what the evaluations measured."""
    rows = [(pair, one) for pair in findings.pairs for one in pair.scores][:MOST_ROWS]
    reach = max((_reach(one) for _, one in rows), default=0)
    compared = [_score(pair, one, reach) for pair, one in rows]
    return Scores(compared, findings.left_out, _measured(reading))


def _score(pair: Pair, one: Finding, reach: float) -> Score:
    share = one.metric.relative(0)
    return Score(
        pair.before,
        pair.after,
        one.metric.name,
        one.old,
        one.new,
        signed(one.difference),
        "" if share is None or not math.isfinite(share) else percent(share, sign="+"),
        interval(one),
        "higher" if one.metric.higher_is_better else "lower",
        one.word,
        _track(one, reach),
    )


def _ends(one: Finding) -> tuple[float, float]:
    """Return the ends of the interval of the relative change; without one, the change twice."""
    low, high = one.interval or (one.difference, one.difference)
    return low / abs(one.old), high / abs(one.old)


def _reach(one: Finding) -> float:
    return max(map(abs, _ends(one))) if one.old else 0


def _track(one: Finding, reach: float) -> Track | None:
    if not one.old or reach <= 0 or not math.isfinite(reach) or not math.isfinite(one.difference):
        return None
    places = (0.0, *_ends(one), one.difference / abs(one.old))
    return Track(*(round(50 + 46 * place / reach, 2) for place in places))


def _measured(reading: Reading) -> list[Measured]:
    found: list[Measured] = []
    room = MOST_CELLS
    for job in reading.latest:
        if job.stage != EVALUATION or job.status not in DONE or job.hook == PROBE or room <= 0:
            continue
        values = [pair for pair in reading.numbers(job).items() if _is_shown(job, pair[0])][:room]
        room -= len(values)
        label = reading.named(job.pipeline, job.meta_name)
        found.append(Measured(label, job.component or job.hook, values))
    return [one for one in found if one.values]


def _is_shown(job: JobRecord, name: str) -> bool:
    return name in job.directions or not is_secondary(name)
