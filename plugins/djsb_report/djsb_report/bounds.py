"""The bounds that a refinement set, and the statistics that they bound."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from djsb.records import JobRecord
    from djsb_report.reading import Reading

REFINED = re.compile(r"refined\.(?P<operator>.+)\.(?P<argument>[^.]+)\.new")
SUFFIX = "_filter"
SAYING_LITTLE = ("ratio", "score", "scores", "num", "min", "max", "mean")
"""Words of a statistic's name that any operator may use."""


@dataclass(frozen=True)
class Bound:
    """One argument of an operator, before and after the refinement."""

    operator: str
    argument: str
    old: float | None
    new: float
    statistic: str | None
    """The statistic that it bounds; ``None`` where the names do not tell."""

    @property
    def is_lower(self) -> bool:
        """Tell whether values below it are dropped."""
        return "min" in self.argument

    @property
    def is_upper(self) -> bool:
        """Tell whether values above it are dropped."""
        return "max" in self.argument

    def drops(self, value: float) -> bool:
        """Tell whether a sample of this value is outside."""
        return value < self.new if self.is_lower else self.is_upper and value > self.new


def read_bounds(reading: Reading, job: JobRecord, statistics: Sequence[str]) -> list[Bound]:
    """Read the bounds that a refinement reported.

    :param statistics: what the probe measured, in its order
    """
    found = reading.numbers(job)
    operators = _operators(job.settings)
    bounds = []
    for name, new in found.items():
        match = REFINED.fullmatch(name)
        if match:
            operator, argument = match["operator"], match["argument"]
            old = found.get(f"{name.removesuffix('.new')}.old")
            statistic = _statistic(operator, argument, operators, statistics)
            bounds.append(Bound(operator, argument, old, new, statistic))
    return bounds


def _operators(settings: Mapping[str, Any]) -> list[str]:
    """Name the filters of a job's recipe, in their order."""
    recipe = settings.get("dj_configs")
    process = recipe.get("process") if isinstance(recipe, Mapping) else None
    steps = process if isinstance(process, list) else []
    names = (next(iter(step), "") if isinstance(step, Mapping) else step for step in steps)
    return [name for name in map(str, names) if name.endswith(SUFFIX)]


def _statistic(
    operator: str, argument: str, operators: Sequence[str], statistics: Sequence[str]
) -> str | None:
    """Find the statistic of an operator: the one in its place, or the only one named like it."""
    likeness = {name: _likeness(f"{operator}_{argument}", name) for name in statistics}
    if len(operators) == len(statistics) and operators.count(operator) == 1:
        placed = statistics[operators.index(operator)]
        if likeness[placed]:
            return placed
    best = max(likeness.values(), default=0)
    found = [name for name in statistics if likeness[name] == best]
    return found[0] if best and len(found) == 1 else None


def _likeness(operator: str, statistic: str) -> int:
    """Count the words of a statistic that are, or shorten, words of an operator.

    >>> _likeness("character_repetition_filter_max_ratio", "char_rep_ratio")
    2
    """
    words = [word for word in statistic.split("_") if word not in SAYING_LITTLE]
    return sum(any(_shortens(word, long) for long in operator.split("_")) for word in words)


def _shortens(short: str, long: str) -> bool:
    """Tell whether the letters of a word stand in another one in order: ``alnum``."""
    letters = iter(long)
    return short[:1] == long[:1] and all(letter in letters for letter in short)
