import math

import numpy as np
import pytest
from scipy import stats

from djsb.evidence.linearized import mean_of, paired_standard_error, standard_error
from djsb_core.job.reports import SampleValues


@pytest.fixture
def draw():
    return np.random.default_rng(20261122)


def samples(values, weights=None):
    return SampleValues(list(values), None if weights is None else list(weights))


@pytest.mark.parametrize("count", [2, 3, 50, 1000])
def test_without_weights_it_is_scipys_standard_error_of_the_differences(draw, count):
    old, new = draw.normal(2.0, 1.0, count), draw.normal(1.9, 2.0, count)
    expected = stats.sem(new - old)
    assert paired_standard_error(samples(old), samples(new)) == pytest.approx(expected, rel=1e-9)
    ones = np.ones(count)
    assert paired_standard_error(samples(old, ones), samples(new, ones)) == pytest.approx(expected)


def ratio_difference(old, old_weights, new, new_weights, axis=-1):
    before = old.sum(axis=axis) / old_weights.sum(axis=axis)
    return new.sum(axis=axis) / new_weights.sum(axis=axis) - before


@pytest.mark.parametrize("correlation", [0.0, 0.9, 0.999])
@pytest.mark.parametrize("same_weights", [True, False])
def test_with_weights_it_agrees_with_scipys_paired_bootstrap(draw, correlation, same_weights):
    count = 400
    weights = draw.integers(5, 500, count).astype(float)
    others = weights if same_weights else draw.integers(5, 500, count).astype(float)
    shared = draw.normal(2.5, 0.5, count)
    noise = draw.normal(2.4, 0.5, count)
    old = shared * weights
    new = (correlation * shared + (1 - correlation) * noise) * others
    data = (old, weights, new, others)
    found = stats.bootstrap(
        data,
        ratio_difference,
        paired=True,
        vectorized=True,
        n_resamples=3000,
        rng=draw,
        method="basic",
    )
    error = paired_standard_error(samples(old, weights), samples(new, others))
    assert error == pytest.approx(found.standard_error, rel=0.1)


def test_with_weights_it_agrees_with_the_jackknife(draw):
    count = 300
    weights, others = (draw.integers(1, 100, count).astype(float) for _ in range(2))
    old, new = draw.gamma(2.0, 1.0, count) * weights, draw.gamma(2.1, 1.0, count) * others
    left_out = [
        ratio_difference(*(np.delete(values, i) for values in (old, weights, new, others)))
        for i in range(count)
    ]
    variance = (count - 1) / count * np.square(left_out - np.mean(left_out)).sum()
    error = paired_standard_error(samples(old, weights), samples(new, others))
    assert error == pytest.approx(math.sqrt(variance), rel=0.03)


def test_the_same_samples_have_no_error(draw):
    values, weights = draw.normal(size=20), draw.integers(1, 9, 20)
    assert paired_standard_error(samples(values, weights), samples(values, weights)) == 0


def test_its_intervals_hold_the_truth_as_often_as_they_should(draw):
    inside = 0
    for _ in range(300):
        old = draw.exponential(1.0, 200)
        new = old + draw.normal(-0.1, 0.5, 200)
        error = paired_standard_error(samples(old), samples(new))
        inside += abs((new.mean() - old.mean()) + 0.1) <= 1.96 * error
    assert stats.binomtest(inside, 300, 0.95).pvalue > 1e-4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (samples([]), samples([])),
        (samples([1.0]), samples([2.0])),
        (samples([1.0, 2.0]), samples([1.0, 2.0, 3.0])),
        (samples([0.0, 0.0], [0.0, 0.0]), samples([1.0, 2.0], [1.0, 1.0])),
        (samples([1.0, math.nan]), samples([1.0, 2.0])),
        (samples([1.0, 2.0]), samples([math.inf, -math.inf])),
        (samples([1.0, 2.0], [1.0, math.nan]), samples([1.0, 2.0])),
    ],
)
def test_none_where_it_cannot_be_told(old, new):
    assert paired_standard_error(old, new) is None


def test_the_standard_error_of_a_mean_is_scipys(draw):
    values = draw.normal(size=7).tolist()
    assert standard_error(values) == pytest.approx(stats.sem(values))
    assert standard_error([1.0]) is None
    assert standard_error([1.0, math.nan]) is None


def test_the_mean_of_what_is_not_finite_is_what_floats_add_up_to():
    assert mean_of([1.0, 2.0]) == 1.5
    assert mean_of([math.inf, 2.0]) == math.inf
    assert math.isnan(mean_of([math.inf, -math.inf]))
