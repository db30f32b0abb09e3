"""Training curves: every model that was trained, in one plot a metric."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from djsb.records import SCRIPT
from djsb_report.charts import Curve, curves_chart, style_of_series
from djsb_report.reading import TRAINING, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from djsb.records import JobRecord, Point

MOST_CURVES, MOST_PLOTS, MOST_STEPS = 24, 4, 60
LOSS = "loss"


@dataclass(frozen=True)
class Legend:
    """One line of a plot's legend."""

    name: str
    colour: str
    dash: str
    first: float
    last: float
    lowest: float
    steps: int


@dataclass(frozen=True)
class Plot:
    """One metric of all trainings that report it."""

    metric: str
    wide: Markup
    narrow: Markup
    legend: Sequence[Legend]
    averaged: int
    left_out: int


def read_curves(reading: Reading) -> list[Plot]:
    """Draw what the trainings of the last iteration, or a script, reported at each step."""
    found: dict[str, list[Curve]] = {}
    left_out: dict[str, int] = {}
    trainings = [job for job in reading.latest if job.hook in (TRAINING, SCRIPT)]
    for job in trainings[: 2 * MOST_CURVES]:
        for metric, points in _series(reading, job).items():
            curves = found.setdefault(metric, [])
            if len(curves) < MOST_CURVES:
                curves.append(make_curve(reading.named(job.pipeline, job.meta_name), points))
            else:
                left_out[metric] = left_out.get(metric, 0) + 1
    more = max(0, len(trainings) - 2 * MOST_CURVES)
    ordered = sorted(found.items(), key=lambda item: (item[0] != LOSS, -len(item[1])))
    return [
        _plot(metric, curves, left_out.get(metric, 0) + more)
        for metric, curves in ordered[:MOST_PLOTS]
    ]


def _series(reading: Reading, job: JobRecord) -> dict[str, list[Point]]:
    """Return the series worth a plot: those with a direction, or that are named a loss."""
    found: dict[str, list[Point]] = {}
    for point in reading.store.points(job.id):
        is_score = point.name in job.directions or LOSS in point.name
        if point.step is not None and is_score and _is_finite(point.value):
            found.setdefault(point.name, []).append(point)
    return {name: points for name, points in found.items() if len(points) > 1}


def _is_finite(value: float | str) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def make_curve(name: str, points: Iterable[Point]) -> Curve:
    """Average so many steps that a curve has at most ``MOST_STEPS`` points.

    A step that was reported twice (a training that went on) counts with its last value.
    """
    values = dict(
        sorted((point.step, float(point.value)) for point in points if point.step is not None)
    )
    steps = list(values)
    size = math.ceil(len(steps) / MOST_STEPS)
    count = math.ceil(len(steps) / size)
    ends = [round(i * len(steps) / count) for i in range(count + 1)]  # equal but for a step
    groups = [steps[start:end] for start, end in pairwise(ends)]
    inside = [[values[step] for step in group] for group in groups]
    means = [math.fsum(group) / len(group) for group in inside]
    return Curve(
        name,
        [sum(group) / len(group) for group in groups],
        means,
        list(map(min, inside)),
        list(map(max, inside)),
        steps[-1],
        size,
    )


def _plot(metric: str, curves: Sequence[Curve], left_out: int) -> Plot:
    legend = [
        Legend(
            one.name,
            *style_of_series(i),
            one.means[0],
            one.means[-1],
            min(one.lowest),
            one.reached,
        )
        for i, one in enumerate(curves)
    ]
    return Plot(
        metric,
        curves_chart(curves, wide=True),
        curves_chart(curves, wide=False),
        legend,
        max(one.averaged for one in curves),
        left_out,
    )
