"""Runs, pipelines or jobs beside each other: what was set otherwise, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb.evidence.alignment import labels_of, rows_of
from djsb.evidence.contrast import Measurements, contrast
from djsb.evidence.linearized import mean_of
from djsb.query.declared import direction_of, is_minor
from djsb.query.facts import (
    inputs_of,
    is_inside,
    places_of,
    settings_of,
    shown,
    watched_settings,
)
from djsb.store.environment import read_environment

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
    contrasts: tuple[Contrast | None, ...]
    """Of each later side with the first; ``None`` where one of the two has not measured it."""
    higher_is_better: bool | None = None
    minor: bool = False
    """Whether it describes another metric, or how fast the machine is."""

    @property
    def differs(self) -> bool:
        """Whether any side has another value."""
        return any(one is None or one.difference.estimate != 0 for one in self.contrasts)


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
    rows, measured = rows_of([side.jobs for side in sides]), Measurements(store)
    for row, label in zip(rows, labels_of(rows), strict=True):
        having = tuple(one is not None and bool(one.finished) for one in row)
        if not all(having):
            found.missing.append((label, having))
        found.settings.extend(_settings(sides, row, places, label))
        found.metrics.extend(_metrics(measured, row, label))
    return found


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
    row: Row,
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
        found.append(settings_of(one.first, place) if one else {})
        given |= inputs_of(side.run, one.first) if one else {}
    components = [one.first.component or one.first.hook if one else None for one in row]
    if len({components[i] for i in having}) > 1:
        yield Setting(label, "component", tuple(components), handed_on=False)
    environments = [one.first.environment if one else None for one in row]
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


def _metrics(measured: Measurements, row: Row, label: str) -> Iterator[Metric]:
    """Yield the metrics that two sides or more have."""
    names = dict.fromkeys(name for one in row if one for name in measured.metrics(one))
    jobs = [one.first for one in row if one]
    first = row[0]
    for name in names:
        values = [list(measured.values(one, name).values()) if one else [] for one in row]
        if sum(map(bool, values)) < 2:  # noqa: PLR2004 (nothing beside it)
            continue
        yield Metric(
            label,
            name,
            tuple(mean_of(one) if one else None for one in values),
            tuple(
                contrast(measured, first, one, name) if first and one else None for one in row[1:]
            ),
            direction_of(jobs, name),
            minor=is_minor(jobs, name),
        )
