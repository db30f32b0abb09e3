"""How far two measurements are apart: an estimate with its confidence interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

from djsb.evidence.bootstrap import bootstrap_interval
from djsb.evidence.linearized import mean_of, paired_standard_error, standard_error, sum_of
from djsb_core.job.reports import SampleValues

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95

FEW = 30
"""With fewer pairs, a bootstrap interval is too narrow: Student's t is used."""

MANY = 1_000
"""With more pairs, the normal approximation is as good as a bootstrap, and much faster."""

CLOSE = 1e-3
"""Relative difference up to which a metric is the mean of its samples."""

PAIRED_T = "paired t"
WELCH = "Welch's t"
BOOTSTRAP = "paired bootstrap"
NORMAL = "normal approximation"


@dataclass(frozen=True)
class Difference:
    """New minus old, with a 95 % confidence interval if there is one."""

    estimate: float
    low: float | None = None
    high: float | None = None
    method: str = ""
    """How the interval was computed; empty without one."""
    standard_error: float | None = None
    """Of the estimate; known whenever there is an interval."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Both ends of the interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def is_clear(self) -> bool | None:
        """Whether the interval excludes zero; ``None`` without an interval."""
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0

    def around(self, estimate: float) -> Difference:
        """Return this difference with its interval shifted to another estimate."""
        if self.low is None or self.high is None:
            return Difference(estimate)
        shift = estimate - self.estimate
        return replace(self, estimate=estimate, low=self.low + shift, high=self.high + shift)


def difference(old: Sequence[float], new: Sequence[float], *, paired: bool) -> Difference:
    """Compare the means of two lists of measurements, such as one value per seed or per sample.

    Pairs (``old[i]`` and ``new[i]`` of the same seed or sample): Student's t for few, a bootstrap
    for more, the normal approximation for very many. Without pairs: Welch's t.

    :raises ValueError: if a list is empty, or lists of different lengths are to be paired
    """
    if not old or not new:
        raise ValueError("no values to compare")
    if paired and len(old) != len(new):
        raise ValueError(f"{len(old)} values cannot be paired with {len(new)}")
    if not all(map(math.isfinite, (*old, *new))):
        return Difference(mean_of(new) - mean_of(old))
    if paired:
        return _paired(SampleValues(list(old), None), SampleValues(list(new), None))
    return _unpaired(old, new)


def sample_difference(old: SampleValues, new: SampleValues, *, paired: bool) -> Difference | None:
    """Compare two metrics by their per-sample values: ``Σ values / Σ weights``.

    :param paired: whether they are of the same samples, in the same order
    :return: ``None`` if they cannot be compared: nothing was measured, or the weights differ
    """
    if not (old.values and new.values):
        return None
    if paired and old.weights == new.weights and len(old.values) == len(new.values):
        return None if paired_standard_error(old, new) is None else _paired(old, new)
    if old.weights is None and new.weights is None:
        return difference(old.values, new.values, paired=False)
    return None


def is_mean_of(value: float, samples: SampleValues) -> bool:
    """Tell whether a metric is the weighted mean of its samples."""
    weights = samples.weights or [1.0] * len(samples.values)
    if not all(map(math.isfinite, (value, *samples.values, *weights))):
        return False
    weight = sum_of(weights)
    return weight > 0 and math.isclose(sum_of(samples.values) / weight, value, rel_tol=CLOSE)


def _paired(old: SampleValues, new: SampleValues) -> Difference:
    weights = old.weights or [1.0] * len(old.values)
    changes = [b - a for a, b in zip(old.values, new.values, strict=True)]
    estimate, count = sum_of(changes) / sum_of(weights), len(changes)
    if count == 1:
        return Difference(estimate)
    error = paired_standard_error(old, new)
    if not error:
        return Difference(estimate, estimate, estimate, PAIRED_T, 0.0)
    if count > MANY:
        return _with_error(estimate, error, NormalDist().inv_cdf(0.5 + CONFIDENCE / 2), NORMAL)
    interval = bootstrap_interval(changes, weights, CONFIDENCE) if count >= FEW else None
    if interval is None:
        return _with_error(estimate, error, _t(count - 1), PAIRED_T)
    return Difference(estimate, *interval, BOOTSTRAP, error)


def _unpaired(old: Sequence[float], new: Sequence[float]) -> Difference:
    estimate = mean_of(new) - mean_of(old)
    first, second = standard_error(old), standard_error(new)
    if first is None or second is None:
        return Difference(estimate)
    error = math.hypot(first, second)
    if error == 0:
        return Difference(estimate, estimate, estimate, WELCH, 0.0)
    # Welch (1947), The generalization of Student's problem, Biometrika 34: shares of the variance.
    shares = (first / error) ** 2, (second / error) ** 2
    freedom = 1 / (shares[0] ** 2 / (len(old) - 1) + shares[1] ** 2 / (len(new) - 1))
    return _with_error(estimate, error, _t(freedom), WELCH)


def _with_error(estimate: float, error: float, quantile: float, method: str) -> Difference:
    if not math.isfinite(estimate) or not math.isfinite(quantile * error):
        return Difference(estimate)
    half = quantile * error
    return Difference(estimate, estimate - half, estimate + half, method, error)


def _t(freedom: float) -> float:
    from scipy.special import stdtrit  # scipy.stats takes a second to import

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
