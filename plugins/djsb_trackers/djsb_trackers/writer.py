"""The interface of a tracker's writer."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb_trackers.messages import Artifact, Start, Value

MOST_BINS = 512
"""Maximum number of bins in wandb and trackio."""


class Writer(Protocol):
    """Writes one run into one tracker; called in this order, in the tracker's own process."""

    def start(self, start: Start) -> None:
        """Start the run."""

    def values(self, values: Sequence[Value]) -> None:
        """Write values of metrics, in the order in which they were reported."""

    def facts(self, facts: Mapping[str, float | str]) -> None:
        """Write other facts; a later value replaces an earlier one."""

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Write settings added after the start, by dotted name."""

    def artifact(self, artifact: Artifact) -> None:
        """Write a file."""

    def end(self, status: str) -> None:
        """End the run: ``finished``, ``failed``, ``interrupted`` or ``unknown``."""


def read_histogram(path: str) -> tuple[list[float], list[float]]:
    """Read counts (n) and edges (n + 1); adjacent bins are merged if there are too many.

    :raises ValueError: if the numbers of counts and edges do not match
    """
    histogram = json.loads(Path(path).read_text(encoding="utf-8"))
    counts, edges = histogram["counts"], histogram["edges"]
    if len(edges) != len(counts) + 1:
        raise ValueError(f"{path}: {len(counts)} counts, but {len(edges)} edges")
    group = -(-len(counts) // MOST_BINS)
    if group > 1:
        places = [*range(0, len(counts), group), len(counts)]
        sums = list(accumulate(counts, initial=0))
        counts = [sums[end] - sums[start] for start, end in pairwise(places)]
        edges = [edges[place] for place in places]
    return counts, edges
