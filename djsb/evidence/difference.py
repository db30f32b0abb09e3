"""How far two measurements are apart, and how sure that is: an estimate with its interval."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING, Any

from djsb.evidence.compare import paired_standard_error
from djsb_core.job.reports import SampleValues

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
RESAMPLES = 9_999
SEED = 1
"""Of the bootstrap: the same comparison gives the same interval."""

FEW = 30
"""Below as many pairs a bootstrap interval is too narrow: Student's t."""

MANY = 1_000
"""Above as many pairs the normal approximation is as good as a bootstrap, and takes no time."""

CLOSE = 1e-3
"""Relative difference up to which a metric is the mean of its samples."""

PAIRED_T = "paired t"
WELCH = "Welch's t"
BOOTSTRAP = "paired bootstrap"
NORMAL = "normal approximation"


@dataclass(frozen=True)
class Difference:
    """New minus old, with a 95 % confidence interval where there is one."""

    estimate: float
    low: float | None = None
    high: float | None = None
    method: str = ""
    """How the interval was found; empty without one."""

    @property
    def is_clear(self) -> bool | None:
        """Whether the interval leaves zero out; ``None`` without an interval."""
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0

    def verdict(self, *, higher_is_better: bool | None) -> str:
        """``better``, ``worse``, ``no clear difference``; empty where there is no direction."""
        if self.is_clear is False:
            return "no clear difference"
        if higher_is_better is None or self.estimate == 0 or math.isnan(self.estimate):
            return ""
        return "better" if (self.estimate > 0) is higher_is_better else "worse"


def difference(old: Sequence[float], new: Sequence[float], *, paired: bool) -> Difference:
    """Compare the means of two lists of measurements, such as one value a seed or a sample.

    Pairs (``old[i]`` and ``new[i]`` of the same seed or sample): Student's t for few, a bootstrap
    for more, the normal approximation for very many. Without pairs: Welch's t. Without scipy: the
    normal approximation, too narrow for few.

    :raises ValueError: if a list is empty, or pairs are asked for of lists of other lengths
    """
    if not old or not new:
        raise ValueError("no values to compare")
    if paired and len(old) != len(new):
        raise ValueError(f"{len(old)} values cannot be paired with {len(new)}")
    estimate = fmean(new) - fmean(old)
    if not all(map(math.isfinite, (*old, *new))):
        return Difference(estimate)
    if paired:
        return _paired(SampleValues(list(old), None), SampleValues(list(new), None))
    return _unpaired(old, new, estimate)


def sample_difference(old: SampleValues, new: SampleValues, *, paired: bool) -> Difference | None:
    """Compare two metrics by their values for each sample: ``Σ values / Σ weights``.

    :return: ``None`` where they cannot be compared: nothing was measured, or with other weights
    """
    if not (old.values and new.values):
        return None
    if paired and old.weights == new.weights and len(old.values) == len(new.values):
        if paired_standard_error(old, new) is None:
            return None
        return _paired(old, new)
    if old.weights is None and new.weights is None:
        return difference(old.values, new.values, paired=False)
    return None


def is_mean_of(value: float, samples: SampleValues) -> bool:
    """Tell whether a metric is what its samples make; else they say nothing about it."""
    weight = math.fsum(samples.weights or [1.0] * len(samples.values))
    return weight > 0 and math.isclose(math.fsum(samples.values) / weight, value, rel_tol=CLOSE)


def _paired(old: SampleValues, new: SampleValues) -> Difference:
    weights = old.weights or [1.0] * len(old.values)
    changes = [b - a for a, b in zip(old.values, new.values, strict=True)]
    estimate = math.fsum(changes) / math.fsum(weights)
    if len(changes) == 1:
        return Difference(estimate)
    error = paired_standard_error(old, new)
    if not error:
        return Difference(estimate, estimate, estimate, PAIRED_T)
    if find_spec("scipy") is None or len(changes) > MANY:
        return _with_error(estimate, error, NormalDist().inv_cdf(0.5 + CONFIDENCE / 2), NORMAL)
    if len(changes) < FEW:
        return _with_error(estimate, error, _t(len(changes) - 1), PAIRED_T)
    return _bootstrap(changes, weights, estimate)


def _with_error(estimate: float, error: float, quantile: float, method: str) -> Difference:
    return Difference(estimate, estimate - quantile * error, estimate + quantile * error, method)


def _t(freedom: int) -> float:
    from scipy import stats

    return float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom))


def _bootstrap(changes: list[float], weights: list[float], estimate: float) -> Difference:
    """Resample pairs; bias-corrected and accelerated (BCa), or percentiles where that fails."""
    import numpy as np
    from scipy import stats

    def ratio(values: Any, shares: Any, axis: int = -1) -> Any:  # noqa: ANN401 (arrays)
        return values.sum(axis=axis) / shares.sum(axis=axis)

    for method in ("BCa", "percentile"):
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            found = stats.bootstrap(
                (np.asarray(changes), np.asarray(weights)),
                ratio,
                paired=True,
                vectorized=True,
                n_resamples=RESAMPLES,
                batch=1 + 2_000_000 // len(changes),
                confidence_level=CONFIDENCE,
                method=method,
                rng=np.random.default_rng(SEED),
            ).confidence_interval
        if math.isfinite(found.low) and math.isfinite(found.high):
            break
    return Difference(estimate, float(found.low), float(found.high), BOOTSTRAP)


def _unpaired(old: Sequence[float], new: Sequence[float], estimate: float) -> Difference:
    if len(old) == 1 or len(new) == 1:
        return Difference(estimate)
    error = math.hypot(_standard_error(old), _standard_error(new))
    if error == 0:
        return Difference(estimate, estimate, estimate, WELCH)
    if find_spec("scipy") is None:
        return _with_error(estimate, error, NormalDist().inv_cdf(0.5 + CONFIDENCE / 2), NORMAL)
    from scipy import stats

    test = stats.ttest_ind(list(new), list(old), equal_var=False)
    found = test.confidence_interval(CONFIDENCE)
    return Difference(estimate, float(found.low), float(found.high), WELCH)


def _standard_error(values: Sequence[float]) -> float:
    mean = fmean(values)
    squares = math.fsum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) * (len(values) - 1)))
