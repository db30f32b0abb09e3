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
    """A condition on a score that ends the iteration."""

    text: str
    source: str
    """``pipeline.meta_name.output``, optionally with a path inside it."""
    operator: str
    value: float

    def holds(self, measured: float) -> bool:
        """Return whether a measured score reaches the target; NaN never does."""
        return COMPARISONS[self.operator](measured, self.value)


def parse_target(text: str) -> Target:
    """Read one target.

    :raises ValueError: with a message that explains what would be right
    """
    shown = text if len(text) <= SHORT else f"{text[:SHORT]}…"
    match = FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{shown}' must be 'pipeline.meta_name.output >= 0.8'")
    source, comparison, number = match.groups()
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
        raise ValueError(f"'{shown}': '{text}' cannot be compared with a score")
    return value
