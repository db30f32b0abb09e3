"""A few samples that a recipe dropped and kept, and which bound each dropped one was outside of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.records import base_of, number, read_environment, read_jsonl
from djsb_core.api import ComponentError, Role
from djsb_report.reading import Reading, cut, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from djsb.records import JobRecord
    from djsb_report.bounds import Bound

MOST_ROWS = 20_000
"""Rows of each file that are read."""

FEW, MOST_JOBS, LONG, MOST_FIELDS = 4, 4, 600, 8
ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
NONE_FOUND = (
    "No sample of its dataset stands in its result: either the recipe changes every sample, or "
    "the dataset is another one by now."
)


@dataclass(frozen=True)
class Look:
    """How the samples of a run look, by what its components declare."""

    text: str | None
    """Field with what a sample says; by default, its longest text."""
    added: tuple[str, ...]
    """Beginnings of the names of fields that are no part of a sample."""

    @classmethod
    def of(cls, jobs: Iterable[JobRecord]) -> Look:
        """Put together what the jobs of a run declare."""
        layouts = [job.declarations.samples for job in jobs]
        text = next((one.text for one in layouts if one.text is not None), None)
        return cls(text, tuple(dict.fromkeys(name for one in layouts for name in one.added)))

    def own(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return a sample without what components added to it."""
        return {key: value for key, value in sample.items() if not key.startswith(self.added)}

    def main(self, sample: Mapping[str, Any]) -> tuple[str, str]:
        """Return the field that says most of a sample, and its text; both empty if none does."""
        own = self.own(sample)
        if self.text is not None and isinstance(own.get(self.text), str):
            return self.text, own[self.text]
        texts = [(key, value) for key, value in own.items() if isinstance(value, str)]
        return max(texts, key=lambda pair: len(pair[1]), default=("", ""))

    def digest(self, sample: Mapping[str, Any]) -> bytes:
        """Tell equal samples by their own fields."""
        text = json.dumps(self.own(sample), sort_keys=True)
        return blake2b(text.encode(), digest_size=12).digest()


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
    processed = [job for job in reading.of_role(Role.PROCESS) if job.declarations.samples.dataset]
    for job in processed[:MOST_JOBS]:
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
    named = job.dataset
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
    look = Look.of(reading.jobs)
    kept_rows = {look.digest(sample) for sample in _first(result)}
    rows = [look.digest(sample) for sample in _first(given)]
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
    reasons = _reasons(reading, look, [shown[digest] for digest in dropped], bounds)
    return Samples(
        name,
        [_shown(look, shown[digest], reasons.get(digest, [])) for digest in dropped],
        [_shown(look, shown[digest], []) for digest in kept],
        len(rows),
    )


def _first(path: Path) -> Iterator[dict[str, Any]]:
    return islice(read_jsonl(path), MOST_ROWS)


def _reasons(
    reading: Reading, look: Look, wanted: Sequence[Mapping[str, Any]], bounds: Sequence[Bound]
) -> dict[bytes, list[str]]:
    """Look the dropped samples up in the first probe's result, which has their statistics."""
    placed = [one for one in bounds if one.statistic is not None]
    probe = next(iter(reading.analyses), None)
    field = probe.declarations.samples.statistics if probe else None
    path = _result(probe) if probe and field and placed and wanted else None
    if path is None:
        return {}
    texts = {look.main(sample)[1] for sample in wanted}
    found: dict[bytes, list[str]] = {}
    for sample in _first(path):
        statistics = sample.get(field or "")
        if look.main(sample)[1] in texts and isinstance(statistics, dict):
            found[look.digest(sample)] = [
                f"{one.statistic} {number(value)} {'<' if one.is_lower else '>'} {number(one.new)}"
                for one in placed
                if isinstance(value := statistics.get(one.statistic), int | float)
                and one.drops(value)
            ]
    return found


def _shown(look: Look, sample: Mapping[str, Any], reasons: Sequence[str]) -> Sample:
    main, text = look.main(sample)
    fields = [
        (cut(str(key), 60), cut(value if isinstance(value, str) else json.dumps(value), 120))
        for key, value in look.own(sample).items()
        if key != main or not main
    ]
    return Sample(cut(text, LONG), fields[:MOST_FIELDS], reasons)
