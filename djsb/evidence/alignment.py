"""Which jobs made the same measurement: of one run, or of the sides of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.query.select import base_of, seed_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from djsb.store.records import JobRecord

    Row = tuple["Replicates | None", ...]

FINISHED = ("finished", "cached")


@dataclass(frozen=True)
class Replicates:
    """One job of an experiment, run once or once per seed."""

    pipeline: str
    """Without the seed."""
    jobs: Mapping[str, JobRecord]
    """By seed; the seed is empty if the job was not repeated."""

    @property
    def first(self) -> JobRecord:
        """The first job: all are the same except for the seed."""
        return next(iter(self.jobs.values()))

    @property
    def finished(self) -> dict[str, JobRecord]:
        """The finished jobs, by seed."""
        return {seed: job for seed, job in self.jobs.items() if job.status in FINISHED}


def replicates_of(jobs: Iterable[JobRecord]) -> list[Replicates]:
    """Group jobs that differ only in their seed."""
    groups: dict[Hashable, list[dict[str, JobRecord]]] = {}
    for job in jobs:
        names = (base_of(job.pipeline), job.stage, job.meta_name, job.hook, job.component)
        seed, groups_of_name = seed_of(job.pipeline), groups.setdefault((job.iteration, *names), [])
        # The same name and seed is not a repetition but another job.
        place = next((group for group in groups_of_name if seed not in group), None)
        if place is None:
            groups_of_name.append(place := {})
        place[seed] = job
    return [
        Replicates(base_of(next(iter(group.values())).pipeline), group)
        for groups_of_name in groups.values()
        for group in groups_of_name
    ]


# -- of one run ------------------------------------------------------------------------------------


def pairs_within(jobs: Iterable[JobRecord]) -> Iterator[tuple[Replicates, Replicates]]:
    """Yield the jobs of one run that measured the same thing: the first with each later one.

    Jobs belong together if iteration, pipeline, hook and component are the same, unless one
    continues where another ended: a chain of steps is no before and after.
    """
    groups: dict[Hashable, list[Replicates]] = {}
    for replicates in replicates_of(jobs):
        key = (
            replicates.first.iteration,
            replicates.pipeline,
            replicates.first.hook,
            replicates.first.component,
        )
        # A job that failed for some seeds keeps its place: before stays before.
        groups.setdefault(key, []).extend([replicates] if replicates.finished else [])
    for first, *later in filter(None, groups.values()):
        chain = [first]
        for other in later:
            if any(_continues(other.first, step.first) for step in chain):
                chain.append(other)
            else:
                yield first, other


def _continues(job: JobRecord, earlier: JobRecord) -> bool:
    """Return whether a job reads the dataset that an earlier one returned."""
    results = [*earlier.outputs.values(), *earlier.exports, *earlier.exports.values()]
    places = [str(earlier.files)] * (earlier.files is not None)
    places += [result for result in results if isinstance(result, str)]
    datasets = job.dataset if isinstance(job.dataset, list) else [job.dataset]
    return any(
        dataset == place or dataset.startswith(f"{place}/")
        for dataset in datasets
        if isinstance(dataset, str)
        for place in places
    )


# -- of several sides ------------------------------------------------------------------------------


def rows_of(sides: Sequence[Iterable[JobRecord]]) -> list[Row]:
    """Align the jobs of all sides that made the same measurement.

    By name; the remaining jobs by what they do, if each side has exactly one such job.
    """
    grouped = [replicates_of(side) for side in sides]
    if all(len(side) == 1 for side in grouped):
        return [tuple(side[0] for side in grouped)]
    single = all(len({replicates.pipeline for replicates in side}) <= 1 for side in grouped)

    def by_name(replicates: Replicates) -> Hashable:
        job = replicates.first
        return ("" if single else replicates.pipeline, job.stage, job.meta_name, job.hook)

    def by_work(replicates: Replicates) -> Hashable:
        job = replicates.first
        return ("" if single else replicates.pipeline, job.stage, job.hook, job.component)

    rows = list(_rows_by(by_name, grouped))
    complete = [row for row in rows if None not in row]
    partial = [row for row in rows if None in row]
    others = [[row[i] for row in partial if row[i]] for i in range(len(grouped))]
    joined = [
        row
        for row in _rows_by(
            by_work,
            [[replicates for replicates in side if replicates] for side in others],
            once=True,
        )
        if None not in row
    ]
    used = {id(replicates) for row in joined for replicates in row}
    rest = [
        row
        for row in partial
        if not any(id(replicates) in used for replicates in row if replicates)
    ]
    order = [id(replicates) for side in grouped for replicates in side]
    return sorted(
        [*complete, *joined, *rest],
        key=lambda row: min(order.index(id(replicates)) for replicates in row if replicates),
    )


def _rows_by(
    key: Callable[[Replicates], Hashable],
    sides: Sequence[Sequence[Replicates]],
    *,
    once: bool = False,
) -> Iterator[Row]:
    """Yield the jobs with the same key, in order; with ``once``, only if no side has two."""
    grouped: list[dict[Hashable, list[Replicates]]] = []
    for side in sides:
        groups: dict[Hashable, list[Replicates]] = {}
        for replicates in side:
            groups.setdefault(key(replicates), []).append(replicates)
        grouped.append(groups)
    for name in dict.fromkeys(name for groups in grouped for name in groups):
        columns = [groups.get(name, []) for groups in grouped]
        if once and not all(len(column) == 1 for column in columns):
            continue
        for i in range(max(map(len, columns))):
            yield tuple(column[i] if i < len(column) else None for column in columns)


def labels_of(rows: Sequence[Row]) -> list[str]:
    """Name rows after their jobs, adding pipeline or component where names are not unique."""
    pipelines = {replicates.pipeline for row in rows for replicates in row if replicates}
    shared = all(
        len({replicates.pipeline for replicates in row if replicates}) == 1 for row in rows
    )
    prefixed = len(pipelines) > 1 and shared
    labels = []
    for row in rows:
        names = dict.fromkeys(replicates.first.meta_name for replicates in row if replicates)
        pipeline = (
            next(f"{replicates.pipeline}." for replicates in row if replicates) if prefixed else ""
        )
        labels.append(pipeline + " → ".join(names))
    components = [
        next(
            replicates.first.component or replicates.first.hook for replicates in row if replicates
        )
        for row in rows
    ]
    return [
        label if labels.count(label) == 1 else f"{label} ({component})"
        for label, component in zip(labels, components, strict=True)
    ]
