"""Training curves: one plot per metric, with all trained models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from djsb.records import SCRIPT
from djsb_core.api import MetricKind, Role
from djsb_report.charts import Curve, curves_chart, style_of_series

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from djsb.records import JobRecord, Point
    from djsb_core.api import Metric
    from djsb_report.reading import Reading

MOST_CURVES, MOST_PLOTS, MOST_STEPS = 24, 4, 60


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
    """One metric of all training runs that report it."""

    metric: str
    wide: Markup
    narrow: Markup
    legend: Sequence[Legend]
    averaged: int
    left_out: int


def read_curves(reading: Reading) -> list[Plot]:
    """Draw what the training runs of the last iteration, or a script, reported per step."""
    curves_by_metric: dict[str, list[Curve]] = {}
    left_out: dict[str, int] = {}
    training_jobs = [job for job in reading.latest if job.role is Role.TRAIN or job.hook == SCRIPT]
    for job in training_jobs[: 2 * MOST_CURVES]:
        for metric, points in _series(reading, job).items():
            curves = curves_by_metric.setdefault(metric, [])
            if len(curves) < MOST_CURVES:
                curves.append(make_curve(reading.named(job.pipeline, job.meta_name), points))
            else:
                left_out[metric] = left_out.get(metric, 0) + 1
    more = max(0, len(training_jobs) - 2 * MOST_CURVES)
    declared = [metric for job in training_jobs for metric in job.declarations.metrics]
    ordered = sorted(
        curves_by_metric.items(), key=lambda item: (_place(item[0], declared), -len(item[1]))
    )
    return [
        _plot(metric, curves, left_out.get(metric, 0) + more)
        for metric, curves in ordered[:MOST_PLOTS]
    ]


def _place(metric: str, declared: Sequence[Metric]) -> int:
    """Return the position of a metric among the declared ones; undeclared metrics come last."""
    return next(
        (i for i, candidate in enumerate(declared) if candidate.fits(metric)), len(declared)
    )


def _series(reading: Reading, job: JobRecord) -> dict[str, list[Point]]:
    """Return the series to plot: scores, without counts and details."""
    series: dict[str, list[Point]] = {}
    for point in reading.store.points(job.id):
        is_score = job.declared(point.name).kind is MetricKind.SCORE
        if point.step is not None and is_score and _is_finite(point.value):
            series.setdefault(point.name, []).append(point)
    return {name: points for name, points in series.items() if len(points) > 1}


def _is_finite(value: float | str) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def make_curve(name: str, points: Iterable[Point]) -> Curve:
    """Average groups of steps so that a curve has at most ``MOST_STEPS`` points.

    A step that was reported twice (by a resumed training run) counts with its last value.
    """
    values = dict(
        sorted((point.step, float(point.value)) for point in points if point.step is not None)
    )
    steps = list(values)
    size = math.ceil(len(steps) / MOST_STEPS)
    count = math.ceil(len(steps) / size)
    # The sizes of groups differ by at most one step.
    ends = [round(i * len(steps) / count) for i in range(count + 1)]
    groups = [steps[start:end] for start, end in pairwise(ends)]
    inside = [[values[step] for step in group] for group in groups]
    means = [sum(group) / len(group) for group in inside]
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
            curve.name,
            *style_of_series(i),
            curve.means[0],
            curve.means[-1],
            min(curve.lowest),
            curve.reached,
        )
        for i, curve in enumerate(curves)
    ]
    return Plot(
        metric,
        curves_chart(curves, wide=True),
        curves_chart(curves, wide=False),
        legend,
        max(curve.averaged for curve in curves),
        left_out,
    )
