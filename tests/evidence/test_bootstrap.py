"""Our bootstrap beside scipy's, drawing the same samples."""

import numpy as np
import pytest
from scipy import stats

from djsb.evidence.bootstrap import RESAMPLES, SEED, bootstrap_interval


def scipys(changes, weights, method):
    def ratio(values, shares, axis=-1):
        return values.sum(axis=axis) / shares.sum(axis=axis)

    found = stats.bootstrap(
        (changes, weights),
        ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        confidence_level=0.95,
        method=method,
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return found.low, found.high


@pytest.mark.parametrize("count", [2, 30, 301, 1000])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("skewed", [False, True])
def test_it_is_scipys(count, weighted, skewed):
    draw = np.random.default_rng(count)
    weights = draw.integers(5, 500, count).astype(float) if weighted else np.ones(count)
    changes = draw.lognormal(0, 1.5, count) if skewed else draw.normal(-0.1, 1.0, count)
    found = bootstrap_interval(changes * weights, weights, 0.95)
    assert found == pytest.approx(scipys(changes * weights, weights, "BCa"), rel=1e-9)


def test_percentiles_stand_in_where_no_acceleration_is_defined():
    """Every draw is the estimate, or more: there is no bias to correct."""
    changes, weights = np.array([0.0] * 39 + [1.0]), np.ones(40)
    assert bootstrap_interval(changes, weights, 0.95) == pytest.approx(
        scipys(changes, weights, "BCa")
    )
    same = np.full(40, 0.5)
    assert bootstrap_interval(same, weights, 0.95) == pytest.approx(
        scipys(same, weights, "percentile")
    )


def test_samples_without_weight_may_leave_nothing_to_divide_by():
    assert bootstrap_interval([1.0, 0.0, 0.0], [1.0, 0.0, 0.0], 0.95) is None
