"""A few samples that a recipe dropped and kept, and which bound each dropped one was outside of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.records import ComponentError, base_of, number, read_environment, read_jsonl
from djsb_report.reading import PROBE, PROCESS, Reading, cut, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb.records import JobRecord
    from djsb_report.bounds import Bound

MOST_ROWS = 20_000
"""Rows of each file that are read."""

FEW, MOST_JOBS, LONG, MOST_FIELDS = 4, 4, 600, 8
INTERNAL = "__dj__"
"""How Data-Juicer begins the names of what it adds to a sample."""

STATISTICS = "__dj__stats__"
ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
TEXT = "text"
NONE_FOUND = (
    "No sample of its dataset stands in its result: either the recipe changes every sample, or "
    "the dataset is another one by now."
)


@dataclass(frozen=True)
class Sample:
    """One sample as it is shown."""

    text: str
    fields: Sequence[tuple[str, str]]
    reasons: Sequence[str]
    """The bounds that it is outside of."""


@dataclass(frozen=True)
class Samples:
    """What one processing dropped and kept."""

    name: str
    dropped: Sequence[Sample]
    kept: Sequence[Sample]
    rows: int
    """Rows that were looked at."""
    problem: str = ""
    """Why there are no samples."""


def read_samples(reading: Reading, bounds: Sequence[Bound]) -> list[Samples]:
    """Compare the dataset of each processing with its result.

    :param bounds: to say why a sample was dropped
    """
    found = []
    for job in reading.of_hook(PROCESS)[:MOST_JOBS]:
        name = reading.named(base_of(job.pipeline), job.meta_name)
        try:
            given, result = _given(reading, job), _result(job)
            if given is None or result is None:
                missing = "dataset" if given is None else "result"
                problem = f"Its {missing} is not there (any more), or no JSON Lines file."
                found.append(Samples(name, [], [], 0, problem))
                continue
            found.append(_compare(reading, name, (given, result), bounds))
        except ComponentError as error:
            found.append(Samples(name, [], [], 0, str(error)))
    return found


def _given(reading: Reading, job: JobRecord) -> Path | None:
    """Find the dataset that a job read; a relative path means what it meant to the run."""
    recipe = job.settings.get("dj_configs")
    named = recipe.get("dataset_path") if isinstance(recipe, dict) else None
    if not isinstance(named, str) or not named.endswith(ENDINGS):
        return None
    started_in = read_environment(reading.run.folder).get("working_directory", "")
    folders = [Path(str(started_in)), Path(reading.run.experiment_file).parent]
    places = [(folder / named).absolute() for folder in folders]
    return next((place for place in places if place.is_file()), None)


def _result(job: JobRecord) -> Path | None:
    places = [Path(text) for text in texts_of(dict(job.outputs)) if text.endswith(ENDINGS)]
    return next((place for place in places if place.is_file()), None)


def _compare(
    reading: Reading, name: str, paths: tuple[Path, Path], bounds: Sequence[Bound]
) -> Samples:
    given, result = paths
    kept_rows = {_digest(sample) for sample in _first(result)}
    rows = [_digest(sample) for sample in _first(given)]
    if kept_rows.isdisjoint(rows):
        return Samples(name, [], [], len(rows), NONE_FOUND)
    # The smallest digests: as good as drawn by chance, and the same every time.
    dropped = nsmallest(FEW, {digest for digest in rows if digest not in kept_rows})
    kept = nsmallest(FEW, kept_rows.intersection(rows))
    shown = {
        digest: sample
        for digest, sample in zip(rows, _first(given), strict=False)
        if digest in dropped or digest in kept
    }
    reasons = _reasons(reading, {digest: shown[digest] for digest in dropped}, bounds)
    return Samples(
        name,
        [_shown(shown[digest], reasons.get(digest, [])) for digest in dropped],
        [_shown(shown[digest], []) for digest in kept],
        len(rows),
    )


def _first(path: Path) -> Iterator[dict[str, Any]]:
    return islice(read_jsonl(path), MOST_ROWS)


def _digest(sample: Mapping[str, Any]) -> bytes:
    """Tell equal samples by their fields, without what Data-Juicer adds."""
    own = {key: value for key, value in sample.items() if not key.startswith(INTERNAL)}
    return blake2b(json.dumps(own, sort_keys=True).encode(), digest_size=12).digest()


def _reasons(
    reading: Reading, wanted: Mapping[bytes, Mapping[str, Any]], bounds: Sequence[Bound]
) -> dict[bytes, list[str]]:
    """Look the dropped samples up in the first probe's result, which has their statistics."""
    placed = [one for one in bounds if one.statistic is not None]
    probes = reading.of_hook(PROBE)
    path = _result(probes[0]) if probes and placed and wanted else None
    if path is None:
        return {}
    texts = {_main(sample)[1] for sample in wanted.values()}
    found: dict[bytes, list[str]] = {}
    for sample in _first(path):
        statistics = sample.get(STATISTICS)
        if _main(sample)[1] in texts and isinstance(statistics, dict):
            found[_digest(sample)] = [
                f"{one.statistic} {number(value)} {'<' if one.is_lower else '>'} {number(one.new)}"
                for one in placed
                if isinstance(value := statistics.get(one.statistic), int | float)
                and one.drops(value)
            ]
    return found


def _main(sample: Mapping[str, Any]) -> tuple[str, str]:
    """Return the field that says most of a sample, and its text; both empty where there is none."""
    if isinstance(sample.get(TEXT), str):
        return TEXT, sample[TEXT]
    texts = [(key, value) for key, value in sample.items() if isinstance(value, str)]
    return max(texts, key=lambda pair: len(pair[1]), default=("", ""))


def _shown(sample: Mapping[str, Any], reasons: Sequence[str]) -> Sample:
    main, text = _main(sample)
    fields = [
        (cut(str(key), 60), cut(value if isinstance(value, str) else json.dumps(value), 120))
        for key, value in sample.items()
        if not key.startswith(INTERNAL) and (key != main or not main)
    ]
    return Sample(cut(text, LONG), fields[:MOST_FIELDS], reasons)
