"""Runs, pipelines or jobs beside each other: what was set otherwise, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb.evidence.compare import results_of
from djsb.evidence.difference import Difference, difference, is_mean_of, sample_difference
from djsb.query.facts import (
    inputs_of,
    is_inside,
    places_of,
    settings_of,
    shown,
    watched_settings,
)
from djsb.query.select import base_of, seed_of
from djsb.store.environment import read_environment
from djsb.store.records import UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from djsb.query.select import Side
    from djsb.store.records import JobRecord
    from djsb.store.store import Store

FINISHED = ("finished", "cached")
DATA = "dataset"
"""In the names of settings that say of which samples a metric is."""


@dataclass(frozen=True)
class Replicas:
    """One job of a side: once, or once for each seed."""

    pipeline: str
    jobs: Mapping[str, JobRecord]
    """By seed; an empty one if the job was not repeated."""

    @property
    def one(self) -> JobRecord:
        """Any of them: but for the seed they are the same."""
        return next(iter(self.jobs.values()))

    @property
    def is_finished(self) -> bool:
        """Whether any of them came to its end."""
        return any(job.status in FINISHED for job in self.jobs.values())


@dataclass(frozen=True)
class Setting:
    """One setting that differs."""

    job: str
    name: str
    values: tuple[Any, ...]
    """One a side; ``None`` where a side has none."""
    handed_on: bool
    """Whether an earlier job gave it: it follows from something else."""


@dataclass(frozen=True)
class Metric:
    """One metric, measured on each side."""

    job: str
    name: str
    values: tuple[float | None, ...]
    """One a side; the mean of several seeds."""
    differences: tuple[Difference | None, ...]
    """Of each later side to the first."""
    higher_is_better: bool | None = None
    minor: bool = False
    """Whether it describes another metric, or how fast the machine is."""

    def verdict(self, place: int) -> str:
        """Say what a later side (the first of them is 0) is, compared with the first."""
        found = self.differences[place]
        return found.verdict(higher_is_better=self.higher_is_better) if found else ""

    def relative(self, place: int) -> float | None:
        """Return the difference as a share of the first side's value."""
        found, first = self.differences[place], self.values[0]
        return found.estimate / abs(first) if found and first else None

    @property
    def differs(self) -> bool:
        """Whether any side has another value."""
        return any(found is None or found.estimate != 0 for found in self.differences)


@dataclass(frozen=True)
class Comparison:
    """All that differs between sides."""

    sides: Sequence[Side]
    settings: list[Setting] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    missing: list[tuple[str, tuple[bool, ...]]] = field(default_factory=list)
    """Jobs that not all sides have (finished), and which have them."""
    packages: list[tuple[str, tuple[str | None, ...]]] = field(default_factory=list)
    """Packages of which the runs had different versions; ``None`` where it was not there."""


def compare_sides(store: Store, sides: Sequence[Side]) -> Comparison:
    """Compare the later sides with the first."""
    found = Comparison(sides, packages=_packages(sides))
    if not any(side.part for side in sides):
        found.settings.extend(_watched(sides))
    places = [places_of(side.context) for side in sides]
    rows = list(_aligned([_replicas(side) for side in sides]))
    for row, label in zip(rows, _labels(rows), strict=True):
        having = tuple(one is not None and one.is_finished for one in row)
        if not all(having):
            found.missing.append((label, having))
        found.settings.extend(_settings(sides, row, places, label))
        found.metrics.extend(_metrics(store, row, label))
    return found


# -- which job is compared with which --------------------------------------------------------------


def _replicas(side: Side) -> list[Replicas]:
    """Group the jobs of a side that differ in their seed only."""
    groups: dict[Hashable, dict[str, JobRecord]] = {}
    for job in side.jobs:
        key = (base_of(job.pipeline), job.stage, job.meta_name, job.hook)
        groups.setdefault(key, {})[seed_of(job.pipeline)] = job
    return [Replicas(base_of(next(iter(jobs.values())).pipeline), jobs) for jobs in groups.values()]


def _aligned(sides: Sequence[list[Replicas]]) -> Iterator[tuple[Replicas | None, ...]]:
    """Yield the jobs that stand beside each other.

    By their names; what is left over, by what they do, where each side has one such job.
    """
    single = all(len({one.pipeline for one in side}) <= 1 for side in sides)
    if all(len(side) == 1 for side in sides):
        yield tuple(side[0] for side in sides)
        return

    def by_name(one: Replicas) -> Hashable:
        return ("" if single else one.pipeline, one.one.stage, one.one.meta_name, one.one.hook)

    def by_work(one: Replicas) -> Hashable:
        return ("" if single else one.pipeline, one.one.stage, one.one.hook, one.one.component)

    rows = list(_by(by_name, sides))
    complete = [row for row in rows if None not in row]
    left = [[row[i] for row in rows if None in row and row[i]] for i in range(len(sides))]
    others = [[one for one in side if one] for side in left]
    joined = [row for row in _by(by_work, others, once=True) if None not in row]
    used = {id(one) for row in joined for one in row}
    rest = [row for row in rows if None in row and not any(id(one) in used for one in row if one)]
    order = [id(one) for side in sides for one in side]
    yield from sorted(
        [*complete, *joined, *rest],
        key=lambda row: min(order.index(id(one)) for one in row if one),
    )


def _by(
    key: Callable[[Replicas], Hashable], sides: Sequence[Sequence[Replicas]], *, once: bool = False
) -> Iterator[tuple[Replicas | None, ...]]:
    """Yield the jobs with the same key; with ``once``, only where no side has two of them."""
    found = [{key(one): one for one in side} for side in sides]
    counts = [[key(one) for one in side] for side in sides]
    for name in dict.fromkeys(name for side in counts for name in side):
        if not once or all(side.count(name) == 1 for side in counts):
            yield tuple(side.get(name) for side in found)


def _labels(rows: Sequence[Sequence[Replicas | None]]) -> list[str]:
    """Name rows by the names of their jobs, with pipeline or component where others share them."""
    pipelines = {one.pipeline for row in rows for one in row if one}
    shared = all(len({one.pipeline for one in row if one}) == 1 for row in rows)
    prefixed = len(pipelines) > 1 and shared
    labels = []
    for row in rows:
        names = dict.fromkeys(one.one.meta_name for one in row if one)
        pipeline = next(f"{one.pipeline}." for one in row if one) if prefixed else ""
        labels.append(pipeline + " → ".join(names))
    components = [next(one.one.component or one.one.hook for one in row if one) for row in rows]
    return [
        label if labels.count(label) == 1 else f"{label} ({component})"
        for label, component in zip(labels, components, strict=True)
    ]


def _packages(sides: Sequence[Side]) -> list[tuple[str, tuple[str | None, ...]]]:
    """Compare the versions of packages, where they were recorded for every side."""
    facts = [read_environment(side.run.folder) for side in sides]
    if not all(isinstance(one.get("packages"), dict) for one in facts):
        return []
    versions = [{"Python": one.get("python"), **one["packages"]} for one in facts]
    names = dict.fromkeys(name for one in versions for name in one)
    rows = [(name, tuple(one.get(name) for one in versions)) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


# -- settings --------------------------------------------------------------------------------------


def _watched(sides: Sequence[Side]) -> Iterator[Setting]:
    """Yield the settings that differ between the runs of scripts."""
    found = [watched_settings(side.run) for side in sides]
    for name in dict.fromkeys(name for settings in found for name in settings):
        values = tuple(settings.get(name) for settings in found)
        if len({shown(value) for value in values}) > 1:
            job, _, setting = name.partition(".")
            yield Setting(job, setting, values, handed_on=False)


def _settings(
    sides: Sequence[Side],
    row: Sequence[Replicas | None],
    places: Sequence[Mapping[str, str]],
    label: str,
) -> Iterator[Setting]:
    """Yield the settings that differ between the sides that have the job."""
    having = [i for i, one in enumerate(row) if one]
    if len(having) < 2:  # noqa: PLR2004 (nothing beside it)
        return
    given: dict[str, str] = {}
    found: list[dict[str, Any]] = []
    for side, one, place in zip(sides, row, places, strict=True):
        found.append(settings_of(one.one, place) if one else {})
        given |= inputs_of(side.run, one.one) if one else {}
    components = [one.one.component or one.one.hook if one else None for one in row]
    if len({components[i] for i in having}) > 1:
        yield Setting(label, "component", tuple(components), handed_on=False)
    environments = [one.one.environment if one else None for one in row]
    if len({environments[i] for i in having}) > 1:
        yield Setting(label, "environment", tuple(environments), handed_on=False)
    for name in dict.fromkeys(name for settings in found for name in settings):
        values = tuple(settings.get(name) for settings in found)
        if len({shown(values[i]) for i in having}) > 1:
            named = any(
                value in place.values() for value, place in zip(values, places, strict=True)
            )
            yield Setting(label, name, values, handed_on=is_inside(name, given) and not named)


# -- metrics ---------------------------------------------------------------------------------------


def _metrics(store: Store, row: Sequence[Replicas | None], label: str) -> Iterator[Metric]:
    """Yield the metrics that two sides or more have."""
    first = row[0]
    measured = [_measured(store, one) for one in row]
    names = dict.fromkeys(name for side in measured for values in side.values() for name in values)
    samples = _Samples(store)
    for name in names:
        values = [_values(side, name) for side in measured]
        if sum(bool(one) for one in values) < 2:  # noqa: PLR2004 (nothing beside it)
            continue
        differences = [
            _difference(name, values[0], values[i], (first, one), samples)
            if first and one
            else None
            for i, one in enumerate(row[1:], start=1)
        ]
        yield Metric(
            label,
            name,
            tuple(sum(one.values()) / len(one) if one else None for one in values),
            tuple(differences),
            _direction(row, name),
            minor=not any(one.one.is_shown(name) for one in row if one),
        )


def _measured(store: Store, one: Replicas | None) -> dict[str, dict[str, float]]:
    """Return what each replica of a finished job measured, by seed."""
    jobs = one.jobs if one else {}
    return {seed: results_of(store, job) for seed, job in jobs.items() if job.status in FINISHED}


def _values(measured: Mapping[str, Mapping[str, float]], name: str) -> dict[str, float]:
    return {seed: values[name] for seed, values in measured.items() if name in values}


def _direction(row: Sequence[Replicas | None], name: str) -> bool | None:
    """Say what is better, unless a side is no judge of it; the last side has the last word."""
    jobs = [one.one for one in row if one]
    if any(job.role in UNJUDGED for job in jobs):
        return None
    found = [job.direction(name) for job in jobs]
    return next((one for one in reversed(found) if one is not None), None)


@dataclass
class _Samples:
    """The per-sample values of jobs, each read once."""

    store: Store
    read: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, job: JobRecord, name: str) -> Any:  # noqa: ANN401 (SampleValues or None)
        if job.id not in self.read:
            self.read[job.id] = self.store.samples(job.id)
        return self.read[job.id].get(name)


def _difference(
    name: str,
    old: Mapping[str, float],
    new: Mapping[str, float],
    jobs: tuple[Replicas, Replicas],
    samples: _Samples,
) -> Difference | None:
    if not (old and new):
        return None
    if len(old) > 1 or len(new) > 1:
        if old.keys() == new.keys():
            return difference(list(old.values()), [new[seed] for seed in old], paired=True)
        return difference(list(old.values()), list(new.values()), paired=False)
    ((old_seed, old_value),) = old.items()
    ((new_seed, new_value),) = new.items()
    before, after = jobs[0].jobs[old_seed], jobs[1].jobs[new_seed]
    old_samples, new_samples = samples.of(before, name), samples.of(after, name)
    found = None
    if old_samples and new_samples:
        of_them = is_mean_of(old_value, old_samples) and is_mean_of(new_value, new_samples)
        same = _data_of(before) == _data_of(after)
        found = sample_difference(old_samples, new_samples, paired=same) if of_them else None
    estimate = new_value - old_value
    return (
        Difference(estimate, found.low, found.high, found.method) if found else Difference(estimate)
    )


def _data_of(job: JobRecord) -> dict[str, Any]:
    """Return the settings that say of which samples a job's metrics are."""
    settings = settings_of(job, {})
    return {name: value for name, value in settings.items() if DATA in name.rpartition(".")[2]}
