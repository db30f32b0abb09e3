"""Two runs: changed settings beside changed metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb.records import Side, compare_sides, packages_text, shown
from djsb_report.findings import Finding
from djsb_report.reading import Reading, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import RunRecord, Setting

MOST_SETTINGS, MOST_METRICS, LONG = 100, 200, 160
ABSENT = "\N{EN DASH}"


@dataclass(frozen=True)
class Changed:
    """One setting with two values."""

    job: str
    key: str
    old: str
    new: str
    follows: bool
    """Whether it follows from something else that differs."""


@dataclass(frozen=True)
class Against:
    """One run beside another one, which counts as before."""

    other: RunRecord
    settings: Sequence[Changed]
    settings_left_out: int
    metrics: Sequence[Finding]
    metrics_left_out: int
    equal: int
    """Metrics that are the same in both."""
    missing: Sequence[str]
    """Jobs that only one of the runs finished."""
    packages: str
    """Those of which the runs had different versions."""


def compare_with(reading: Reading, other: Reading) -> Against:
    """Compare a run with another one, job by job."""
    found = compare_sides(reading.store, [_side(other), _side(reading)])
    settings = sorted(found.settings, key=lambda one: one.handed_on)
    both = [one for one in found.metrics if not one.minor and None not in one.values]
    changed = [Finding(one) for one in both if one.differs]
    changed.sort(key=lambda one: one.metric.higher_is_better is None)  # scores first
    return Against(
        other.run,
        [_changed(reading, other, one) for one in settings[:MOST_SETTINGS]],
        max(0, len(settings) - MOST_SETTINGS),
        changed[:MOST_METRICS],
        max(0, len(changed) - MOST_METRICS),
        len(both) - len(changed),
        [job for job, _ in found.missing][:MOST_SETTINGS],
        packages_text(found),
    )


def _side(reading: Reading) -> Side:
    jobs = tuple(reading.latest)
    return Side(reading.run.id, reading.run, "", jobs, jobs)


def _changed(reading: Reading, other: Reading, one: Setting) -> Changed:
    old, new = one.values
    values = (_shown(other, one.name, old), _shown(reading, one.name, new))
    return Changed(one.job, one.name, *values, one.handed_on)


def _shown(reading: Reading, name: str, value: Any) -> str:  # noqa: ANN401 (any setting)
    if value is None:
        return ABSENT
    return cut(shown(reading.masker.value({name: value})[name]), LONG)
