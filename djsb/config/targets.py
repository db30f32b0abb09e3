"""The targets of an iteration: ``pipeline.meta_name.output >= 0.8``, parsed and never evaluated."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
FORM = re.compile(r"([^\s<>=!]+)\s*([<>=!]+)\s*([^\s<>=!]+)")
SHORT = 80


@dataclass(frozen=True)
class Target:
    """What a score must reach before the iteration ends."""

    text: str
    source: str
    """``pipeline.meta_name.output``, and perhaps what is inside it."""
    operator: str
    value: float

    def holds(self, measured: float) -> bool:
        """Tell whether a measured score reaches the target; NaN never does."""
        return COMPARISONS[self.operator](measured, self.value)


def parse_target(text: str) -> Target:
    """Read one target.

    :raises ValueError: with a sentence that says what would be right
    """
    shown = text if len(text) <= SHORT else f"{text[:SHORT]}…"
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{shown}' must be 'pipeline.meta_name.output >= 0.8'")
    source, comparison, number = found.groups()
    if comparison not in COMPARISONS:
        known = ", ".join(COMPARISONS)
        raise ValueError(f"'{shown}': no comparison '{comparison}'; write one of {known}")
    parts = source.split(".")
    if len(parts) < 3 or "" in parts:  # noqa: PLR2004 (pipeline, job, output)
        raise ValueError(f"'{shown}': '{source[:SHORT]}' must be 'pipeline.meta_name.output'")
    return Target(text.strip(), source, comparison, _number(number, shown))


def _number(text: str, shown: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"'{shown}': '{text[:SHORT]}' is not a number") from None
    if math.isnan(value):
        raise ValueError(f"'{shown}': no score is ever equal to, above or below '{text}'")
    return value
