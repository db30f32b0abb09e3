"""The standard error of a difference of metrics that are ratios of sums over samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from djsb_core.job.reports import SampleValues


def paired_standard_error(old: SampleValues, new: SampleValues) -> float | None:
    """Return the standard error of the difference of two ratio estimates over the same samples.

    The metric is ``r = Σ values / Σ weights``. By linearization (Cochran, Sampling Techniques,
    3rd ed., 2.11 and 6.4), the variance of ``r_new - r_old`` is that of the mean of
    ``(v_new - r_new w_new) / mean(w_new) - (v_old - r_old w_old) / mean(w_old)``.

    :return: ``None`` if the samples cannot be paired, or there are fewer than two
    """
    count = len(old.values)
    if count != len(new.values) or count < 2:  # noqa: PLR2004 (no variance of one)
        return None
    if not all(_is_usable(samples) for samples in (old, new)):
        return None
    residuals = [
        b - a for a, b in zip(_linearized(old), _linearized(new), strict=True)
    ]  # their mean is 0
    return math.sqrt(sum_of(_square(r) for r in residuals) / (count * (count - 1)))


def standard_error(values: Sequence[float]) -> float | None:
    """Return the standard error of a mean; ``None`` for fewer than two values, or for a NaN."""
    count = len(values)
    if count < 2 or not all(map(math.isfinite, values)):  # noqa: PLR2004 (no variance of one)
        return None
    mean = mean_of(values)
    return math.sqrt(sum_of(_square(value - mean) for value in values) / (count * (count - 1)))


def mean_of(values: Sequence[float]) -> float:
    """Return the mean; inf or NaN if not all values are finite."""
    return sum_of(values) / len(values)


def sum_of(values: Iterable[float]) -> float:
    """Return the exact sum; inf or NaN where it is too large, or values are not finite."""
    values = list(values)
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return float(sum(values))


def _square(value: float) -> float:
    return value * value  # `**` raises an error where this is infinite


def _is_usable(samples: SampleValues) -> bool:
    weights = samples.weights or [1.0]
    return all(map(math.isfinite, (*samples.values, *weights))) and sum_of(weights) > 0


def _linearized(samples: SampleValues) -> list[float]:
    weights = samples.weights or [1.0] * len(samples.values)
    total = sum_of(weights)
    ratio, mean = sum_of(samples.values) / total, total / len(weights)
    return [
        (value - ratio * weight) / mean
        for value, weight in zip(samples.values, weights, strict=True)
    ]
