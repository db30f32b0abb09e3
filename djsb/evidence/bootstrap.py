"""The paired bootstrap of a difference of ratios.

Equals ``scipy.stats.bootstrap`` for the same random numbers, up to rounding: a test compares them.
The resamples depend only on the number of samples, so they are drawn once for all metrics of a
dataset; and neither scipy's statistics (a second to import) nor a loop over batches is needed.
Every run ends with such intervals: they must not slow down a cached one.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

RESAMPLES = 9_999
SEED = 1
"""Fixed, so that the same comparison gives the same interval."""

BATCH = 200_000
"""Number of values drawn at a time: few enough to stay in the processor's cache."""


def bootstrap_interval(
    changes: Sequence[float], weights: Sequence[float], confidence: float
) -> tuple[float, float] | None:
    """Return an interval of ``Σ changes / Σ weights`` over the pairs in both lists.

    Bias-corrected and accelerated (Efron & Tibshirani, An Introduction to the Bootstrap, 14.3), or
    percentiles if that fails.

    :return: ``None`` if some resamples have zero weight
    """
    import numpy as np

    sums = np.array([changes, weights], dtype=float)
    with np.errstate(all="ignore"):
        ratios = np.concatenate(
            [_ratios(block.astype(float), sums) for block in _draws(sums.shape[1])]
        )
        if not np.isfinite(ratios).all():
            return None
        tail = (1 - confidence) / 2
        shares = _accelerated(ratios, sums, tail) or (tail, 1 - tail)
    low, high = np.percentile(ratios, [100 * share for share in shares])
    return float(low), float(high)


def _ratios(times: Any, sums: Any) -> Any:  # noqa: ANN401 (arrays)
    """Return the ratio of each draw, given how often each sample is in it."""
    return (times @ sums[0]) / (times @ sums[1])


@lru_cache(maxsize=4)
def _draws(count: int) -> list[Any]:
    """Draw with replacement; return how often each sample is in each draw, in blocks of draws."""
    import numpy as np

    draw, blocks, left = np.random.default_rng(SEED), [], RESAMPLES
    while left:
        rows = min(left, 1 + BATCH // count)
        chosen = draw.integers(0, count, (rows, count))
        chosen += np.arange(rows)[:, None] * count
        times = np.bincount(chosen.ravel(), minlength=rows * count).reshape(rows, count)
        blocks.append(times.astype(np.min_scalar_type(int(times.max()))))
        left -= rows
    return blocks


def _accelerated(ratios: Any, sums: Any, tail: float) -> tuple[float, float] | None:  # noqa: ANN401 (arrays)
    """Return the quantiles of the draws that bound the interval; ``None`` if undefined."""
    import numpy as np

    total = sums.sum(axis=1)
    estimate = total[0] / total[1]
    below = float((ratios < estimate).mean() + (ratios <= estimate).mean()) / 2
    left_out = (total[0] - sums[0]) / (total[1] - sums[1])
    influence = left_out.mean() - left_out
    spread = float((influence**2).sum())
    if not 0 < below < 1 or not np.isfinite(spread) or spread <= 0:
        return None
    acceleration = float((influence**3).sum()) / (6 * spread**1.5)
    normal = NormalDist()
    bias = normal.inv_cdf(below)
    ends = [bias + normal.inv_cdf(share) for share in (tail, 1 - tail)]
    low, high = (normal.cdf(bias + end / (1 - acceleration * end)) for end in ends)
    return low, high
