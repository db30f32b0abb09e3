"""Convert a component's reports to points and files for the store and the listeners."""

from __future__ import annotations

import json
import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from djsb_core.interfaces.dropped import write_dropped
from djsb_core.job.reports import Artifact, ArtifactKind, Point
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from djsb_core.interfaces.dropped import DroppedRows


SCRIPT = "SandboxWatcher"
"""Name used in place of a hook for reports of a user's own script."""

BARE = "script"
"""Job name for metrics that a script reports under names without a dot."""

BINS = 50
MEDIA = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp"), ArtifactKind.IMAGE),
    **dict.fromkeys((".mp4", ".webm", ".mov", ".avi", ".mkv"), ArtifactKind.VIDEO),
}


class JobWatcher:
    """The watcher of one job: forwards its reports in order."""

    def __init__(
        self,
        folder: Path,
        on_points: Callable[[list[Point]], None],
        on_artifact: Callable[[Artifact], None],
        mask: Callable[[str], str] = str,
    ) -> None:
        """Watch one job.

        :param folder: working folder of the job, in which files are stored
        :param on_points: called with the values of each report
        :param on_artifact: called with each file: samples, histograms, images, videos, rows
        :param mask: applied to names, which become names of files
        """
        self._folder = folder
        self._on_points = on_points
        self._on_artifact = on_artifact
        self._mask = lru_cache(maxsize=4096)(mask)
        self._started = time.monotonic()

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Report a number, a string, or a nested mapping of them (flattened with dots)."""
        seconds = time.monotonic() - self._started
        number = None if step is None else int(step)  # numpy's integers too
        mask = self._mask
        self._on_points(
            [Point(mask(key), item, number, seconds) for key, item in flatten(value, name)]
        )

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Report one value per sample.

        :raises ValueError: if the numbers of weights and values differ
        """
        if weights is not None and len(weights) != len(values):
            raise ValueError(
                f"{name}: {counted(len(values), 'value')}, but {counted(len(weights), 'weight')}"
            )
        samples = {
            "values": [float(value) for value in values],
            "weights": None if weights is None else [float(weight) for weight in weights],
        }
        self._keep_json(samples, name, ArtifactKind.SAMPLES, None)

    def watch_histogram(self, values: Sequence[float], name: str, step: int | None = None) -> None:
        """Report how values are distributed."""
        self._keep_json(histogram(values), name, ArtifactKind.HISTOGRAM, step)

    def watch_media(self, path: Path, name: str, step: int | None = None) -> None:
        """Report an image or a video.

        :raises ValueError: if its suffix belongs to neither
        """
        kind = MEDIA.get(path.suffix.lower())
        if kind is None:
            raise ValueError(f"{path}: neither image nor video; known: {', '.join(sorted(MEDIA))}")
        self._on_artifact(Artifact(self._mask(name), kind, step, path.absolute()))

    def watch_dropped(self, dropped: DroppedRows) -> None:
        """Report which rows of its input the job's result lacks."""
        kind = ArtifactKind.DROPPED
        path = self._folder / f"{kind.value}.jsonl"
        write_dropped(path, dropped)
        self._on_artifact(Artifact(kind.value, kind, None, path))

    def _keep_json(self, value: object, name: str, kind: ArtifactKind, step: int | None) -> None:
        number, name = "" if step is None else f".{step}", self._mask(name)
        path = self._folder / f"{kind.value}.{name.replace('/', '_')}{number}.json"
        path.write_text(json.dumps(value), encoding="utf-8")
        self._on_artifact(Artifact(name, kind, step, path))


def histogram(values: Sequence[float]) -> dict[str, Any]:
    """Count values in equal bins between their 0.5 % and 99.5 % quantiles, and outside of them.

    Otherwise a few outliers would put all other values into one bin.
    """
    finite = sorted(number for number in map(float, values) if math.isfinite(number))
    if not finite:
        return {
            "edges": [0.0, 1.0],
            "counts": [0],
            "below": 0,
            "above": 0,
            "min": None,
            "max": None,
        }
    cut = len(finite) // 200
    low, high = finite[cut], finite[-1 - cut]
    bins = BINS if high > low else 1
    edges = [low + (high - low) * i / bins for i in range(bins)] + [high]
    places = [bisect_left(finite, edge) for edge in edges[:-1]] + [bisect_right(finite, high)]
    return {
        "edges": edges if high > low else [low - 0.5, low + 0.5],
        "counts": [after - before for before, after in pairwise(places)],
        "below": places[0],
        "above": len(finite) - places[-1],
        "min": finite[0],
        "max": finite[-1],
    }


def flatten(value: object, name: str) -> Iterator[tuple[str, float | str]]:
    """Yield each number and string of a nested value with its dotted name.

    >>> list(flatten({"text_len": {"mean": 3}}, "probe"))
    [('probe.text_len.mean', 3.0)]
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flatten(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from flatten(item, f"{name}.{i}")
    elif isinstance(value, str):
        yield name, value
    elif value is not None:
        yield name, _number(value, name)


def _number(value: Any, name: str) -> float:  # noqa: ANN401 (numpy and torch scalars too)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"metric '{name}': neither number nor text: {value!r}") from None
