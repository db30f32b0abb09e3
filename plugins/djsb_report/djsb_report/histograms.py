"""Histograms that probes store: read, and converted to the same bins."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeGuard

from djsb.records import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from djsb.records import JobRecord
    from djsb_report.reading import Reading

MOST_BINS, LARGEST_FILE = 1000, 1_000_000


@dataclass(frozen=True)
class Histogram:
    """Number of rows between each edge and the next."""

    edges: Sequence[float]
    counts: Sequence[float]
    tails: Sequence[tuple[float, float, float]] = ()
    """Rows below the first edge and above the last: from, to, count."""

    @property
    def rows(self) -> float:
        """Number of all rows, including the tails."""
        return sum(self.counts) + sum(rows for _, _, rows in self.tails)


def histograms_of(reading: Reading, job: JobRecord) -> dict[str, Histogram]:
    """Return the histograms of a probe by statistic, in its order."""
    histograms = {}
    for artifact in reading.store.artifacts(job.id):
        is_one = artifact.kind is ArtifactKind.HISTOGRAM
        path = reading.store.readable(artifact.path) if is_one else None
        histogram = _read(path) if path is not None else None
        if histogram is not None:
            histograms[artifact.name] = histogram
    return histograms


def _read(path: Path) -> Histogram | None:
    """Read one file; ``None`` if it is missing or not a histogram."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return parse_histogram(value)


def parse_histogram(value: Any) -> Histogram | None:  # noqa: ANN401 (any JSON value)
    """Parse a histogram with ``edges`` (n + 1 numbers) and ``counts`` (n numbers).

    ``below`` and ``above``, if present, count the rows between ``min``, the edges, and ``max``.
    """
    if not isinstance(value, dict):
        return None
    edges, counts = value.get("edges"), value.get("counts")
    if not (_are_numbers(edges) and _are_numbers(counts) and len(edges) == len(counts) + 1):
        return None
    rising = all(a < b for a, b in pairwise(edges))
    fits = 0 < len(counts) <= MOST_BINS
    if not (rising and fits and min(counts) >= 0):
        return None
    below = (value.get("min"), edges[0], value.get("below"))
    above = (edges[-1], value.get("max"), value.get("above"))
    tails = [tail for tail in map(list, (below, above)) if _are_numbers(tail) and tail[2] > 0]
    return Histogram(edges, counts, [(low, high, rows) for low, high, rows in tails if low < high])


def on_bins(histogram: Histogram, edges: Sequence[float]) -> list[float]:
    """Count rows between other edges; rows of a split bin are distributed by width."""
    counts = [0.0] * (len(edges) - 1)
    bins = zip(pairwise(histogram.edges), histogram.counts, strict=True)
    for low, high, rows in [*((*ends, rows) for ends, rows in bins), *histogram.tails]:
        for i in range(max(0, bisect_right(edges, low) - 1), len(counts)):
            if edges[i] >= high:
                break
            common = min(high, edges[i + 1]) - max(low, edges[i])
            counts[i] += rows * max(0.0, common) / (high - low)
    return counts


def joined_edges(first: Histogram, *more: Histogram) -> list[float]:
    """Return the first histogram's edges, extended with bins of equal width to cover all."""
    edges = list(first.edges)
    width = (edges[-1] - edges[0]) / (len(edges) - 1)
    low, high = (
        min(histogram.edges[0] for histogram in more),
        max(histogram.edges[-1] for histogram in more),
    )
    slack = width / 1000
    while edges[0] > low + slack and len(edges) < MOST_BINS:
        edges.insert(0, edges[0] - width)
    while edges[-1] < high - slack and len(edges) < MOST_BINS:
        edges.append(edges[-1] + width)
    edges[0], edges[-1] = min(edges[0], low), max(edges[-1], high)
    return edges


def _are_numbers(value: Any) -> TypeGuard[list[float]]:  # noqa: ANN401 (any JSON value)
    return isinstance(value, list) and all(
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        for number in value
    )
