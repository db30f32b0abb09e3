"""What a tracker must be able to do."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb_trackers.messages import Artifact, Start, Value

MOST_BINS = 512
"""What wandb and trackio take."""


class Writer(Protocol):
    """Writes one run into one tracker; called in this order, in the tracker's own process."""

    def start(self, start: Start) -> None:
        """Begin the run."""

    def values(self, values: Sequence[Value]) -> None:
        """Write values of metrics, in the order in which they were measured."""

    def facts(self, facts: Mapping[str, float | str]) -> None:
        """Write what is known besides; a later value replaces an earlier one."""

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Write settings that are given after the start, by dotted name."""

    def artifact(self, artifact: Artifact) -> None:
        """Write a file."""

    def end(self, status: str) -> None:
        """End the run: ``finished``, ``failed``, ``interrupted`` or ``unknown``."""


def read_histogram(path: str) -> tuple[list[float], list[float]]:
    """Read counts (n) and edges (n + 1); neighbours are joined where there are too many.

    :raises ValueError: if the numbers do not fit
    """
    kept = json.loads(Path(path).read_text(encoding="utf-8"))
    counts, edges = kept["counts"], kept["edges"]
    if len(edges) != len(counts) + 1:
        raise ValueError(f"{path}: {len(counts)} counts, but {len(edges)} edges")
    joined = -(-len(counts) // MOST_BINS)
    if joined > 1:
        places = [*range(0, len(counts), joined), len(counts)]
        sums = list(accumulate(counts, initial=0))
        counts = [sums[end] - sums[start] for start, end in pairwise(places)]
        edges = [edges[place] for place in places]
    return counts, edges
