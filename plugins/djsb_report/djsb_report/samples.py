"""A few samples that a recipe dropped and kept, with the bounds that dropped them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.records import base_of, number, read_jsonl
from djsb_core.api import ComponentError, Role
from djsb_report.reading import Reading, cut, texts_of
from djsb_report.removed import Removed, read_removed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from djsb.records import JobRecord
    from djsb_report.bounds import Bound

MOST_ROWS = 20_000
"""Maximum number of rows read from each file."""

FEW, MOST_JOBS, LONG, MOST_FIELDS = 4, 4, 600, 8
ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
OUTSIDE = (
    ", or outside the work_dir: a report reads other files of yours only with `--with-inputs`."
)
NONE_FOUND = (
    "No sample of its dataset appears in its result: either the recipe changes every sample, or "
    "the dataset has changed since."
)


@dataclass(frozen=True)
class SampleLayout:
    """The layout of a run's samples, as its components declare it."""

    text: str | None
    """Field with the text of a sample; by default, its longest text."""
    added: tuple[str, ...]
    """Prefixes of the names of fields that components added to a sample."""

    @classmethod
    def of(cls, jobs: Iterable[JobRecord]) -> SampleLayout:
        """Combine what the jobs of a run declare."""
        layouts = [job.declarations.samples for job in jobs]
        text = next((layout.text for layout in layouts if layout.text is not None), None)
        return cls(text, tuple(dict.fromkeys(name for layout in layouts for name in layout.added)))

    def own(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return a sample without what components added to it."""
        return {key: value for key, value in sample.items() if not key.startswith(self.added)}

    def main(self, sample: Mapping[str, Any]) -> tuple[str, str]:
        """Return the main text field of a sample and its text; both empty if there is none."""
        own = self.own(sample)
        if self.text is not None and isinstance(own.get(self.text), str):
            return self.text, own[self.text]
        texts = [(key, value) for key, value in own.items() if isinstance(value, str)]
        return max(texts, key=lambda pair: len(pair[1]), default=("", ""))

    def digest(self, sample: Mapping[str, Any]) -> bytes:
        """Return a digest of a sample's own fields, to find equal samples."""
        text = json.dumps(self.own(sample), sort_keys=True)
        return blake2b(text.encode(), digest_size=12).digest()


@dataclass(frozen=True)
class Sample:
    """One sample as shown."""

    text: str
    fields: Sequence[tuple[str, str]]
    reasons: Sequence[str]
    """The bounds that it violates, or why else it was dropped."""
    step: str = ""
    """The step that dropped it, if known."""


@dataclass(frozen=True)
class Samples:
    """What one processing job dropped and kept."""

    name: str
    dropped: Sequence[Sample]
    kept: Sequence[Sample]
    rows: int
    """Number of rows compared."""
    problem: str = ""
    """Why there are no samples."""


@dataclass(frozen=True)
class Processed:
    """A processing job with its files."""

    record: JobRecord
    dataset: Path
    result: Path


def read_samples(reading: Reading, bounds: Sequence[Bound]) -> list[Samples]:
    """Compare the dataset of each processing job with its result.

    :param bounds: used to explain why a sample was dropped
    """
    samples = []
    processed = [job for job in reading.of_role(Role.PROCESS) if job.declarations.samples.dataset]
    for job in processed[:MOST_JOBS]:
        name = reading.named(base_of(job.pipeline), job.meta_name)
        try:
            dataset, result = _dataset(reading, job), _result(reading, job)
            if dataset is None or result is None:
                missing = "dataset" if dataset is None else "result"
                problem = f"Its {missing} is missing, or not a JSON Lines file" + (
                    OUTSIDE if dataset is None else "."
                )
                samples.append(Samples(name, [], [], 0, problem))
                continue
            samples.append(_compare(reading, name, Processed(job, dataset, result), bounds))
        except ComponentError as error:
            samples.append(Samples(name, [], [], 0, str(error)))
    return samples


def _dataset(reading: Reading, job: JobRecord) -> Path | None:
    """Find the dataset that a job read; a relative path is resolved as in the run."""
    dataset = job.dataset
    if not isinstance(dataset, str) or not dataset.endswith(ENDINGS):
        return None
    started_in = reading.store.environment(reading.run).get("working_directory", "")
    folders = [Path(str(started_in)), Path(reading.run.experiment_file).parent]
    places = [(folder / dataset).absolute() for folder in folders]
    readable = reading.store.readable
    return next((place for place in places if readable(place, is_input=True)), None)


def _result(reading: Reading, job: JobRecord) -> Path | None:
    places = [Path(text) for text in texts_of(dict(job.outputs)) if text.endswith(ENDINGS)]
    readable = reading.store.readable
    return next((place for place in places if readable(place, is_input=True)), None)


def _compare(reading: Reading, name: str, job: Processed, bounds: Sequence[Bound]) -> Samples:
    layout = SampleLayout.of(reading.jobs)
    kept_rows = {layout.digest(sample) for sample in _first(job.result)}
    rows = [layout.digest(sample) for sample in _first(job.dataset)]
    removed = read_removed(reading.store, job.record, job.dataset, len(rows))
    if kept_rows.isdisjoint(rows) and not removed:
        return Samples(name, [], [], len(rows), NONE_FOUND)
    # The smallest digests: as good as a random sample, and the same every time.
    gone = {digest for digest in rows if digest not in kept_rows}
    dropped = nsmallest(FEW, {rows[row] for row in removed} or gone)
    unchanged = kept_rows.intersection(rows)
    kept = nsmallest(FEW, unchanged or {*rows}.difference(rows[row] for row in removed))
    shown: dict[bytes, Mapping[str, Any]] = {}
    why: dict[bytes, Removed] = {}
    for row, (digest, sample) in enumerate(zip(rows, _first(job.dataset), strict=False)):
        if digest in dropped or digest in kept:
            shown[digest] = sample
        if digest in dropped and row in removed:
            why.setdefault(digest, removed[row])
    unknown = [shown[digest] for digest in dropped if digest not in why]
    reasons = _reasons(reading, layout, unknown, bounds)
    return Samples(
        name,
        [
            _shown(layout, shown[digest], reasons.get(digest, []), why.get(digest))
            for digest in dropped
        ],
        [_shown(layout, shown[digest], [], None) for digest in kept],
        len(rows),
    )


def _first(path: Path) -> Iterator[dict[str, Any]]:
    return islice(read_jsonl(path), MOST_ROWS)


def _reasons(
    reading: Reading,
    layout: SampleLayout,
    samples: Sequence[Mapping[str, Any]],
    bounds: Sequence[Bound],
) -> dict[bytes, list[str]]:
    """Look up the dropped samples in the first probe's result, which has their statistics."""
    usable = [bound for bound in bounds if bound.statistic is not None]
    probe = next(iter(reading.analyses), None)
    field = probe.declarations.samples.statistics if probe else None
    path = _result(reading, probe) if probe and field and usable and samples else None
    if path is None:
        return {}
    texts = {layout.main(sample)[1] for sample in samples}
    reasons: dict[bytes, list[str]] = {}
    for sample in _first(path):
        statistics = sample.get(field or "")
        if layout.main(sample)[1] in texts and isinstance(statistics, dict):
            reasons[layout.digest(sample)] = [
                f"{bound.statistic} {number(value)} "
                f"{'<' if bound.is_lower else '>'} {number(bound.new)}"
                for bound in usable
                if isinstance(value := statistics.get(bound.statistic), int | float)
                and bound.drops(value)
            ]
    return reasons


def _shown(
    layout: SampleLayout,
    sample: Mapping[str, Any],
    reasons: Sequence[str],
    removed: Removed | None,
) -> Sample:
    main, text = layout.main(sample)
    fields = [
        (cut(str(key), 60), cut(value if isinstance(value, str) else json.dumps(value), 120))
        for key, value in layout.own(sample).items()
        if key != main or not main
    ]
    if removed is not None:
        reasons = [cut(removed.reason, 200)] if removed.reason else []
    step = removed.step if removed else ""
    return Sample(cut(text, LONG), fields[:MOST_FIELDS], reasons, step)
