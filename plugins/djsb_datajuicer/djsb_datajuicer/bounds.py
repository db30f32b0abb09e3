"""Adjusts a computed bound to one that its operator accepts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from annotated_types import Ge, Gt, Le, Lt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb_datajuicer.operators import Parameter

#: Statistics that are counts, or sizes in bytes and pixels: always integers.
WHOLE = frozenset(
    {
        "audio_sizes",
        "face_counts",
        "horizontal_peak_count",
        "image_height",
        "image_sizes",
        "image_width",
        "max_line_length",
        "num_action",
        "num_dependency_edges",
        "num_token",
        "num_words",
        "text_len",
        "vertical_peak_count",
        "video_height",
        "video_width",
    }
)

#: Suffix of statistics that are fractions; those of aspect ratios end in ``_ratios``.
SHARE = "_ratio"


@dataclass(frozen=True)
class Interval:
    """How an operator interprets a bound."""

    upper: bool
    closed: bool
    """Whether a value equal to the bound is inside."""

    @classmethod
    def of(cls, argument: str, arguments: Mapping[str, Any]) -> Interval:
        """Determine it from the argument's name and the operator's other arguments."""
        upper = "max" in argument
        flag = arguments.get("max_closed_interval" if upper else "min_closed_interval")
        # A reversed range keeps what is outside, so the bounds themselves are outside.
        return cls(upper, (flag is not False) != bool(arguments.get("reversed_range")))


def legal(
    value: float,
    interval: Interval,
    parameter: Parameter | None,
    stat: str,
    summary: Mapping[str, float],
) -> float | int:
    """Return the nearest bound that the operator accepts and that keeps the same samples.

    A count is at least 3.4 if and only if it is at least 4, so a lower bound of a count is rounded
    up and an upper one down. If an operator accepts only integers but its statistic is fractional,
    no integer is exact, and the bound is rounded away from the mean: it drops no sample that the
    exact bound keeps.

    :param value: the computed bound
    :param interval: which bound it is, and whether it is inside
    :param parameter: the operator's argument; ``None`` if nothing is known about it
    :param stat: the bounded statistic
    :param summary: its ``min`` and ``max``, if known
    """
    whole = _takes(parameter, int) or (_takes(parameter, str) and stat in WHOLE)
    inwards = stat in WHOLE and interval.closed
    value = _limited(value, interval, parameter, stat, summary)
    if whole:
        return math.floor(value) if interval.upper == inwards else math.ceil(value)
    return value


def shown(value: float, parameter: Parameter | None) -> float | int | str:
    """Return a bound as written in the recipe: some operators expect numbers as strings."""
    return str(value) if _takes(parameter, str) else value


def _limited(
    value: float,
    interval: Interval,
    parameter: Parameter | None,
    stat: str,
    summary: Mapping[str, float],
) -> float:
    """Keep a bound within the operator's documented range, and within the statistic's natural one.

    A lower bound below 0 becomes 0 if no sample is below 0, and an upper bound of a fraction
    becomes 1 if no sample is above 1: the same samples are inside.
    """
    low, high = _range_of(parameter)
    if interval.closed and summary.get("min", math.nan) >= 0:
        low = max(low, 0.0)
        if interval.upper and stat.endswith(SHARE) and summary.get("max", math.nan) <= 1:
            high = min(high, 1.0)
    return min(max(value, low), high)


def _range_of(parameter: Parameter | None) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for part in _parts(parameter.hint if parameter else None):
        if isinstance(part, Ge):
            low = max(low, float(part.ge))  # type: ignore[arg-type]
        elif isinstance(part, Gt) and _takes(parameter, int):
            low = max(low, float(part.gt) + 1)  # type: ignore[arg-type]
        elif isinstance(part, Le):
            high = min(high, float(part.le))  # type: ignore[arg-type]
        elif isinstance(part, Lt) and _takes(parameter, int):
            high = min(high, float(part.lt) - 1)  # type: ignore[arg-type]
    return low, high


def _takes(parameter: Parameter | None, kind: type) -> bool:
    parts = set(_types(parameter.hint)) if parameter else set()
    return kind in parts and not (kind is int and float in parts)


def _types(hint: Any) -> Iterator[Any]:  # noqa: ANN401 (a type or a typing form)
    yield from (part for part in _parts(hint) if isinstance(part, type))


def _parts(hint: Any) -> Iterator[Any]:  # noqa: ANN401 (a type or a typing form)
    """Yield the types in an annotation, and their ``Annotated`` metadata."""
    yield hint
    for part in (*get_args(hint), *getattr(hint, "__metadata__", ())):
        if part is not hint:
            yield from _parts(part)
