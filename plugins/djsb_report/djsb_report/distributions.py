"""The data before and after: the distribution of each statistic, with the refined bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import base_of, number
from djsb_core.api import MetricKind, Role
from djsb_report.bounds import Bound, read_bounds
from djsb_report.charts import histogram_chart
from djsb_report.histograms import Histogram, histograms_of, joined_edges, on_bins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from djsb.records import JobRecord
    from djsb_report.reading import Reading

MOST_CHARTS = 24


@dataclass(frozen=True)
class Distribution:
    """One statistic, measured once or twice."""

    statistic: str
    summaries: Sequence[tuple[str, float | None, float | None]]
    """Name, before, after."""
    bounds: Sequence[Bound]
    chart: Markup | None
    is_logarithmic: bool
    outside: str
    """How many rows lie outside the chart."""


@dataclass(frozen=True)
class Distributions:
    """The statistics of one pipeline's probes."""

    before: str
    after: str | None
    statistics: Sequence[Distribution]
    left_out: int
    bounds: Sequence[Bound]

    @property
    def unplaced(self) -> list[Bound]:
        """The bounds of statistics that are not shown."""
        shown = {entry.statistic for entry in self.statistics}
        return [entry for entry in self.bounds if entry.statistic not in shown]


def read_distributions(reading: Reading) -> list[Distributions]:
    """Compare the first probe of each pipeline with its last one."""
    groups, remaining = [], MOST_CHARTS
    for pipeline in dict.fromkeys(base_of(job.pipeline) for job in reading.distinct):
        probes = [job for job in reading.analyses if base_of(job.pipeline) == pipeline]
        refined = [job for job in reading.of_role(Role.REFINE) if base_of(job.pipeline) == pipeline]
        if probes or refined:
            group = _compare(reading, probes, refined[-1] if refined else None, remaining)
            remaining = max(0, remaining - len(group.statistics))
            if group.statistics or group.unplaced:
                groups.append(group)
    return groups


def _compare(
    reading: Reading, probes: Sequence[JobRecord], refined: JobRecord | None, remaining: int
) -> Distributions:
    first, last = (probes[0], probes[-1]) if probes else (None, None)
    after = last if last is not first else None
    old = _summaries(reading, first) if first else {}
    new = _summaries(reading, after) if after else {}
    statistics = list(old)
    bounds = read_bounds(reading, refined) if refined else []
    before_bins = histograms_of(reading, first) if first else {}
    after_bins = histograms_of(reading, after) if after else {}
    distributions = [
        _distribution(
            name,
            (old[name], new.get(name, {})),
            (before_bins.get(name), after_bins.get(name)),
            bounds,
        )
        for name in statistics[:remaining]
    ]
    return Distributions(
        reading.named(base_of(first.pipeline), first.meta_name) if first else "",
        reading.named(base_of(after.pipeline), after.meta_name) if after else None,
        distributions,
        len(statistics) - len(distributions),
        bounds,
    )


def _summaries(reading: Reading, job: JobRecord) -> dict[str, dict[str, float]]:
    """Return the summaries of each statistic, in the order in which they were reported."""
    measured = reading.numbers(job)
    summaries: dict[str, dict[str, float]] = {}
    for name, value in measured.items():
        declared = job.declared(name)
        if declared.kind is MetricKind.STATISTIC:
            statistic = (declared.match(name) or (name,))[0]
            summaries.setdefault(statistic, {})[name.removeprefix(f"{statistic}.")] = value
    return summaries


def _distribution(
    statistic: str,
    metrics: tuple[Mapping[str, float], Mapping[str, float]],
    bins: tuple[Histogram | None, Histogram | None],
    bounds: Sequence[Bound],
) -> Distribution:
    old, new = metrics
    own = [bound for bound in bounds if bound.statistic == statistic]
    summaries = [(part, old.get(part), new.get(part)) for part in dict.fromkeys([*old, *new])]
    return Distribution(statistic, summaries, own, *_chart(*bins, own))


def _chart(
    before: Histogram | None, after: Histogram | None, bounds: Sequence[Bound]
) -> tuple[Markup | None, bool, str]:
    """Return the chart, whether its row counts are logarithmic, and what lies outside it."""
    first = before or after
    if first is None:
        return None, False, ""
    edges = joined_edges(first, after or first)
    counts_before = on_bins(before, edges) if before else None
    counts_after = on_bins(after, edges) if after else None
    logarithmic = _is_peaked(counts_before or counts_after or [])
    limits = [bound.new for bound in bounds if edges[0] <= bound.new <= edges[-1]]
    chart = histogram_chart(edges, counts_before, counts_after, limits, logarithmic=logarithmic)
    outside = _outside(("before", before, counts_before), ("after", after, counts_after))
    return chart, logarithmic, outside


def _outside(*sides: tuple[str, Histogram | None, Sequence[float] | None]) -> str:
    """Report how many rows lie outside the range of the chart."""
    missing = {
        when: round(histogram.rows - sum(drawn or ()))
        for when, histogram, drawn in sides
        if histogram
    }
    parts = [f"{number(rows)} {when}" for when, rows in missing.items() if rows > 0]
    return f"Rows outside the chart: {', '.join(parts)}." if parts else ""


def _is_peaked(counts: Sequence[float]) -> bool:
    """Tell whether one bin would make all others invisible."""
    filled = sorted(count for count in counts if count > 0)
    return bool(filled) and filled[-1] > 25 * filled[len(filled) // 2]
