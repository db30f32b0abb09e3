"""Ratios of two sums and their standard errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def ratio(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return ``sum(values) / sum(weights)``: for losses and token counts, the loss per token."""
    return math.fsum(values) / math.fsum(weights)


def ratio_stderr(values: Sequence[float], weights: Sequence[float]) -> float | None:
    """Return the standard error of :func:`ratio` over documents drawn at random.

    ``sqrt(n / (n - 1) * sum((y_i - R * x_i)**2)) / sum(x_i)`` with y the values, x the weights and
    R their ratio: the linearised variance of a ratio estimator, Cochran, Sampling Techniques (3rd
    edition, 1977), chapter 6. Tokens of one document are not independent, so the unit is the
    document. Documents of weight 0 do not count; with fewer than two the result is ``None``.
    """
    count = sum(1 for weight in weights if weight)
    if count < 2:  # noqa: PLR2004 (a variance needs two)
        return None
    mean = ratio(values, weights)
    squares = math.fsum(
        (value - mean * weight) ** 2 for value, weight in zip(values, weights, strict=True)
    )
    return math.sqrt(count / (count - 1) * squares) / math.fsum(weights)
