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
    """One job of an experiment: once, or once for each seed."""

    pipeline: str
    """Without the seed."""
    jobs: Mapping[str, JobRecord]
    """By seed; an empty one if the job was not repeated."""

    @property
    def first(self) -> JobRecord:
        """Any of them: but for the seed they are the same."""
        return next(iter(self.jobs.values()))

    @property
    def finished(self) -> dict[str, JobRecord]:
        """Those that came to their end, by seed."""
        return {seed: job for seed, job in self.jobs.items() if job.status in FINISHED}


def replicates_of(jobs: Iterable[JobRecord]) -> list[Replicates]:
    """Group jobs that differ in their seed only."""
    groups: dict[Hashable, list[dict[str, JobRecord]]] = {}
    for job in jobs:
        names = (base_of(job.pipeline), job.stage, job.meta_name, job.hook, job.component)
        seed, alike = seed_of(job.pipeline), groups.setdefault((job.iteration, *names), [])
        # Of the same name and seed: not a repetition, but another job.
        place = next((found for found in alike if seed not in found), None)
        if place is None:
            alike.append(place := {})
        place[seed] = job
    return [
        Replicates(base_of(next(iter(found.values())).pipeline), found)
        for alike in groups.values()
        for found in alike
    ]


# -- of one run ------------------------------------------------------------------------------------


def pairs_within(jobs: Iterable[JobRecord]) -> Iterator[tuple[Replicates, Replicates]]:
    """Yield the jobs of one run that measured the same thing twice: the first with each later one.

    Jobs belong together when iteration, pipeline, hook and component are the same.
    """
    groups: dict[Hashable, list[Replicates]] = {}
    for one in replicates_of(jobs):
        key = (one.first.iteration, one.pipeline, one.first.hook, one.first.component)
        # One that failed for some seeds keeps its place: before stays before.
        groups.setdefault(key, []).extend([one] if one.finished else [])
    for first, *later in filter(None, groups.values()):
        for other in later:
            yield first, other


# -- of several sides ------------------------------------------------------------------------------


def rows_of(sides: Sequence[Iterable[JobRecord]]) -> list[Row]:
    """Put the jobs of all sides that made the same measurement beside each other.

    By their names; what is left over, by what they do, where each side has one such job.
    """
    grouped = [replicates_of(side) for side in sides]
    if all(len(side) == 1 for side in grouped):
        return [tuple(side[0] for side in grouped)]
    single = all(len({one.pipeline for one in side}) <= 1 for side in grouped)

    def by_name(one: Replicates) -> Hashable:
        job = one.first
        return ("" if single else one.pipeline, job.stage, job.meta_name, job.hook)

    def by_work(one: Replicates) -> Hashable:
        job = one.first
        return ("" if single else one.pipeline, job.stage, job.hook, job.component)

    rows = list(_by(by_name, grouped))
    complete = [row for row in rows if None not in row]
    partial = [row for row in rows if None in row]
    others = [[row[i] for row in partial if row[i]] for i in range(len(grouped))]
    joined = [
        row
        for row in _by(by_work, [[one for one in side if one] for side in others], once=True)
        if None not in row
    ]
    used = {id(one) for row in joined for one in row}
    rest = [row for row in partial if not any(id(one) in used for one in row if one)]
    order = [id(one) for side in grouped for one in side]
    return sorted(
        [*complete, *joined, *rest],
        key=lambda row: min(order.index(id(one)) for one in row if one),
    )


def _by(
    key: Callable[[Replicates], Hashable],
    sides: Sequence[Sequence[Replicates]],
    *,
    once: bool = False,
) -> Iterator[Row]:
    """Yield the jobs with the same key, in order; with ``once``, only where no side has two."""
    found: list[dict[Hashable, list[Replicates]]] = []
    for side in sides:
        groups: dict[Hashable, list[Replicates]] = {}
        for one in side:
            groups.setdefault(key(one), []).append(one)
        found.append(groups)
    for name in dict.fromkeys(name for groups in found for name in groups):
        alike = [groups.get(name, []) for groups in found]
        if once and not all(len(ones) == 1 for ones in alike):
            continue
        for i in range(max(map(len, alike))):
            yield tuple(ones[i] if i < len(ones) else None for ones in alike)


def labels_of(rows: Sequence[Row]) -> list[str]:
    """Name rows by the names of their jobs, with pipeline or component where others share them."""
    pipelines = {one.pipeline for row in rows for one in row if one}
    shared = all(len({one.pipeline for one in row if one}) == 1 for row in rows)
    prefixed = len(pipelines) > 1 and shared
    labels = []
    for row in rows:
        names = dict.fromkeys(one.first.meta_name for one in row if one)
        pipeline = next(f"{one.pipeline}." for one in row if one) if prefixed else ""
        labels.append(pipeline + " → ".join(names))
    components = [next(one.first.component or one.first.hook for one in row if one) for row in rows]
    return [
        label if labels.count(label) == 1 else f"{label} ({component})"
        for label, component in zip(labels, components, strict=True)
    ]
