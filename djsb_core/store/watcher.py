"""What a component reports, made into points and files for the store and for listeners."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from djsb_core.store.records import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


class SandboxWatcher:
    """The watcher of one job: hands on what it is told, in the order in which it is told."""

    def __init__(
        self,
        folder: Path,
        heard: Callable[[list[Point]], None],
        kept: Callable[[str, Path], None],
    ) -> None:
        """Watch one job.

        :param folder: where the job works; per-sample values are kept there
        :param heard: called with the values of each report
        :param kept: called with each metric whose per-sample values are kept, and with their file
        """
        self._folder = folder
        self._heard = heard
        self._kept = kept
        self._started = time.monotonic()

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Report a number, a text, or a nested mapping of them (flattened with dots)."""
        seconds = time.monotonic() - self._started
        place = None if step is None else int(step)  # numpy's integers too
        self._heard([Point(key, item, place, seconds) for key, item in flatten(value, name)])

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Report one value a sample.

        :raises ValueError: if there are not as many weights as values
        """
        if weights is not None and len(weights) != len(values):
            raise ValueError(f"{name}: {len(values)} values, but {len(weights)} weights")
        path = self._folder / f"samples.{name.replace('/', '_')}.json"
        kept = {
            "values": [float(value) for value in values],
            "weights": None if weights is None else [float(weight) for weight in weights],
        }
        path.write_text(json.dumps(kept), encoding="utf-8")
        self._kept(name, path)


def flatten(value: object, name: str) -> Iterator[tuple[str, float | str]]:
    """Yield each number and text of a nested value under its dotted name.

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
