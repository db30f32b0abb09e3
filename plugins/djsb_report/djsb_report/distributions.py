"""What the data looked like before and after: each statistic with the bounds that were set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import base_of, number
from djsb_report.bounds import Bound, read_bounds
from djsb_report.charts import histogram_chart
from djsb_report.histograms import Histogram, histograms_of, joined_edges, on_bins
from djsb_report.reading import DONE, PROBE, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from djsb.records import JobRecord

REFINE = "refine_recipe"
MOST_CHARTS = 24
SUMMARY = ("count", "mean", "std", "min", "max")


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
    """How many rows lie outside of what is drawn."""


@dataclass(frozen=True)
class Distributions:
    """The statistics of one pipeline's probes."""

    before: str
    after: str | None
    found: Sequence[Distribution]
    left_out: int
    bounds: Sequence[Bound]

    @property
    def unplaced(self) -> list[Bound]:
        """The bounds of which the names do not tell what they bound."""
        return [one for one in self.bounds if one.statistic is None]


def read_distributions(reading: Reading) -> list[Distributions]:
    """Compare the first probe of each pipeline with its last one."""
    found, room = [], MOST_CHARTS
    for pipeline in dict.fromkeys(base_of(job.pipeline) for job in reading.distinct):
        probes = [job for job in reading.of_hook(PROBE) if base_of(job.pipeline) == pipeline]
        refined = [
            job
            for job in reading.distinct
            if (base_of(job.pipeline), job.stage) == (pipeline, REFINE) and job.status in DONE
        ]
        if probes or refined:
            one = _compare(reading, probes, refined[-1] if refined else None, room)
            room = max(0, room - len(one.found))
            if one.found or one.unplaced:
                found.append(one)
    return found


def _compare(
    reading: Reading, probes: Sequence[JobRecord], refined: JobRecord | None, room: int
) -> Distributions:
    first, last = (probes[0], probes[-1]) if probes else (None, None)
    after = last if last is not first else None
    old = reading.numbers(first) if first else {}
    new = reading.numbers(after) if after else {}
    statistics = [name.removesuffix(".mean") for name in old if name.endswith(".mean")]
    bounds = read_bounds(reading, refined, statistics) if refined else []
    before_bins = histograms_of(reading, first) if first else {}
    after_bins = histograms_of(reading, after) if after else {}
    found = [
        _distribution(name, (old, new), (before_bins.get(name), after_bins.get(name)), bounds)
        for name in statistics[:room]
    ]
    return Distributions(
        reading.named(base_of(first.pipeline), first.meta_name) if first else "",
        reading.named(base_of(after.pipeline), after.meta_name) if after else None,
        found,
        len(statistics) - len(found),
        bounds,
    )


def _distribution(
    statistic: str,
    metrics: tuple[Mapping[str, float], Mapping[str, float]],
    bins: tuple[Histogram | None, Histogram | None],
    bounds: Sequence[Bound],
) -> Distribution:
    old, new = metrics
    keys = [(part, f"{statistic}.{part}") for part in SUMMARY]
    own = [one for one in bounds if one.statistic == statistic]
    summaries = [
        (part, old.get(key), new.get(key)) for part, key in keys if key in old or key in new
    ]
    return Distribution(statistic, summaries, own, *_chart(*bins, own))


def _chart(
    before: Histogram | None, after: Histogram | None, bounds: Sequence[Bound]
) -> tuple[Markup | None, bool, str]:
    """Return the chart, whether its rows are logarithmic, and what is not in it."""
    first = before or after
    if first is None:
        return None, False, ""
    edges = joined_edges(first, after or first)
    counts = on_bins(before, edges) if before else None
    kept = on_bins(after, edges) if after else None
    logarithmic = _is_peaked(counts or kept or [])
    limits = [one.new for one in bounds if edges[0] <= one.new <= edges[-1]]
    chart = histogram_chart(edges, counts, kept, limits, logarithmic=logarithmic)
    outside = _outside(("before", before, counts), ("after", after, kept))
    return chart, logarithmic, outside


def _outside(*sides: tuple[str, Histogram | None, Sequence[float] | None]) -> str:
    """Tell how many rows lie further out than the chart reaches."""
    missing = {when: round(one.rows - sum(drawn or ())) for when, one, drawn in sides if one}
    parts = [f"{number(rows)} {when}" for when, rows in missing.items() if rows > 0]
    return f"Rows further out than drawn: {', '.join(parts)}." if parts else ""


def _is_peaked(counts: Sequence[float]) -> bool:
    """Tell whether one bin would make all others invisible."""
    filled = sorted(count for count in counts if count > 0)
    return bool(filled) and filled[-1] > 25 * filled[len(filled) // 2]
