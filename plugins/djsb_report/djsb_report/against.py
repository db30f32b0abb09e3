"""Two runs compared: changed settings and changed metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb.records import Side, compare_sides, packages_text, shown
from djsb_report.reading import Reading, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import Contrast, RunRecord, Setting

MOST_SETTINGS, MOST_METRICS, LONG = 100, 200, 160
ABSENT = "\N{EN DASH}"


@dataclass(frozen=True)
class Changed:
    """One setting whose values differ."""

    job: str
    key: str
    old: str
    new: str
    follows: bool
    """Whether it follows from something else that differs."""


@dataclass(frozen=True)
class Against:
    """One run compared with another one, which counts as before."""

    other: RunRecord
    settings: Sequence[Changed]
    settings_left_out: int
    metrics: Sequence[tuple[str, Contrast]]
    """With the job that measured them."""
    metrics_left_out: int
    equal: int
    """Metrics that are the same in both."""
    missing: Sequence[str]
    """Jobs that only one of the runs finished."""
    packages: str
    """Packages whose versions differ between the runs."""


def compare_with(reading: Reading, other: Reading) -> Against:
    """Compare a run with another one, job by job."""
    comparison = compare_sides(reading.store, [_side(other), _side(reading)])
    settings = sorted(comparison.settings, key=lambda entry: entry.handed_on)
    pairs = [(entry.job, entry.contrasts[0]) for entry in comparison.metrics if not entry.minor]
    both = [(job, contrast) for job, contrast in pairs if contrast]
    changed = [(job, contrast) for job, contrast in both if contrast.difference.estimate != 0]
    changed.sort(key=lambda pair: not pair[1].is_score)  # scores first
    return Against(
        other.run,
        [_changed(reading, other, entry) for entry in settings[:MOST_SETTINGS]],
        max(0, len(settings) - MOST_SETTINGS),
        changed[:MOST_METRICS],
        max(0, len(changed) - MOST_METRICS),
        len(both) - len(changed),
        [job for job, _ in comparison.missing][:MOST_SETTINGS],
        packages_text(comparison.packages),
    )


def _side(reading: Reading) -> Side:
    jobs = tuple(reading.latest)
    return Side(reading.run.id, reading.run, "", jobs, jobs)


def _changed(reading: Reading, other: Reading, setting: Setting) -> Changed:
    old, new = setting.values
    values = (_shown(other, setting.name, old), _shown(reading, setting.name, new))
    return Changed(setting.job, setting.name, *values, setting.handed_on)


def _shown(reading: Reading, name: str, value: Any) -> str:  # noqa: ANN401 (any setting)
    if value is None:
        return ABSENT
    return cut(shown(reading.masker.value({name: value})[name]), LONG)
