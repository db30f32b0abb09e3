"""Runs, pipelines or jobs side by side: which settings differ, and how the results differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb.evidence.alignment import labels_of, rows_of
from djsb.evidence.contrast import Measurements, contrast
from djsb.evidence.linearized import mean_of
from djsb.query.declared import direction_of, is_minor, is_score
from djsb.query.facts import (
    inputs_of,
    is_inside,
    places_of,
    settings_of,
    shown,
    watched_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb.evidence.alignment import Row
    from djsb.evidence.contrast import Contrast
    from djsb.query.select import Side
    from djsb.store.store import Store


@dataclass(frozen=True)
class Setting:
    """One setting that differs."""

    job: str
    name: str
    values: tuple[Any, ...]
    """One per side; ``None`` if a side has none."""
    handed_on: bool
    """Whether it comes from an earlier job, and so follows from something else."""


@dataclass(frozen=True)
class Metric:
    """One metric, measured on each side."""

    job: str
    name: str
    values: tuple[float | None, ...]
    """One per side; the mean of several seeds."""
    contrasts: tuple[Contrast | None, ...]
    """Of each later side with the first; ``None`` if one of the two has not measured it."""
    higher_is_better: bool | None = None
    minor: bool = False
    """Whether it describes another metric, or the speed of the machine."""
    is_score: bool = False
    """Whether it is a result: it has a direction, or is a primary score without one."""

    @property
    def differs(self) -> bool:
        """Whether any later side has a different value than the first."""
        return any(
            contrast is None or contrast.difference.estimate != 0 for contrast in self.contrasts
        )


@dataclass(frozen=True)
class Comparison:
    """Everything that differs between sides."""

    sides: Sequence[Side]
    settings: list[Setting] = field(default_factory=list)
    metrics: list[Metric] = field(default_factory=list)
    missing: list[tuple[str, tuple[bool, ...]]] = field(default_factory=list)
    """Jobs that not all sides finished, and which sides did."""
    packages: list[tuple[str, tuple[str | None, ...]]] = field(default_factory=list)
    """Packages whose versions differ between the runs; ``None`` if not installed."""


def compare_sides(store: Store, sides: Sequence[Side]) -> Comparison:
    """Compare the later sides with the first."""
    packages = packages_that_differ([store.environment(side.run) for side in sides])
    comparison = Comparison(sides, packages=packages)
    if not any(side.part for side in sides):
        comparison.settings.extend(_watched(sides))
    places = [places_of(side.context) for side in sides]
    rows, measurements = rows_of([side.jobs for side in sides]), Measurements(store)
    for row, label in zip(rows, labels_of(rows), strict=True):
        finished = tuple(replicates is not None and bool(replicates.finished) for replicates in row)
        if not all(finished):
            comparison.missing.append((label, finished))
        comparison.settings.extend(_settings(sides, row, places, label))
        comparison.metrics.extend(_metrics(measurements, row, label))
    return comparison


def packages_that_differ(
    environments: Sequence[Mapping[str, Any]],
) -> list[tuple[str, tuple[str | None, ...]]]:
    """Compare the versions of Python and of packages, if they were recorded for every side.

    :param environments: the recorded facts of each run
    """
    if not all(isinstance(environment.get("packages"), dict) for environment in environments):
        return []
    versions = [
        {
            name: str(version)
            for name, version in {
                "Python": environment.get("python"),
                **environment["packages"],
            }.items()
        }
        for environment in environments
    ]
    names = dict.fromkeys(name for packages in versions for name in packages)
    rows = [(name, tuple(packages.get(name) for packages in versions)) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


# -- settings --------------------------------------------------------------------------------------


def _watched(sides: Sequence[Side]) -> Iterator[Setting]:
    """Yield the settings that differ between the runs of scripts."""
    sides_settings = [watched_settings(side.run) for side in sides]
    for name in dict.fromkeys(name for settings in sides_settings for name in settings):
        values = tuple(settings.get(name) for settings in sides_settings)
        if len({shown(value) for value in values}) > 1:
            job, _, setting = name.partition(".")
            yield Setting(job, setting, values, handed_on=False)


def _settings(
    sides: Sequence[Side],
    row: Row,
    places: Sequence[Mapping[str, str]],
    label: str,
) -> Iterator[Setting]:
    """Yield the settings that differ between the sides with the job."""
    present = [i for i, replicates in enumerate(row) if replicates]
    if len(present) < 2:  # noqa: PLR2004 (nothing beside it)
        return
    inputs: dict[str, str] = {}
    sides_settings: list[dict[str, Any]] = []
    for side, replicates, place in zip(sides, row, places, strict=True):
        sides_settings.append(settings_of(replicates.first, place) if replicates else {})
        inputs |= inputs_of(side.run, replicates.first) if replicates else {}
    components = [
        replicates.first.component or replicates.first.hook if replicates else None
        for replicates in row
    ]
    if len({components[i] for i in present}) > 1:
        yield Setting(label, "component", tuple(components), handed_on=False)
    environments = [replicates.first.environment if replicates else None for replicates in row]
    if len({environments[i] for i in present}) > 1:
        yield Setting(label, "environment", tuple(environments), handed_on=False)
    for name in dict.fromkeys(name for settings in sides_settings for name in settings):
        values = tuple(settings.get(name) for settings in sides_settings)
        if len({shown(values[i]) for i in present}) > 1:
            named = any(
                value in place.values() for value, place in zip(values, places, strict=True)
            )
            yield Setting(label, name, values, handed_on=is_inside(name, inputs) and not named)


# -- metrics ---------------------------------------------------------------------------------------


def _metrics(measurements: Measurements, row: Row, label: str) -> Iterator[Metric]:
    """Yield the metrics that at least two sides have."""
    names = dict.fromkeys(
        name for replicates in row if replicates for name in measurements.metrics(replicates)
    )
    jobs = [replicates.first for replicates in row if replicates]
    first = row[0]
    for name in names:
        values = [
            list(measurements.values(replicates, name).values()) if replicates else []
            for replicates in row
        ]
        if sum(map(bool, values)) < 2:  # noqa: PLR2004 (nothing beside it)
            continue
        yield Metric(
            label,
            name,
            tuple(mean_of(by_seed) if by_seed else None for by_seed in values),
            tuple(
                contrast(measurements, first, replicates, name) if first and replicates else None
                for replicates in row[1:]
            ),
            direction_of(jobs, name),
            minor=is_minor(jobs, name),
            is_score=is_score(jobs, name),
        )
