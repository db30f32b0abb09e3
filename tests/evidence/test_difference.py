import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from djsb.evidence.difference import (
    BOOTSTRAP,
    NORMAL,
    PAIRED_T,
    WELCH,
    Difference,
    difference,
    is_mean_of,
    sample_difference,
)
from djsb.evidence.linearized import paired_standard_error
from djsb.evidence.verdict import judge
from djsb_core.job.reports import SampleValues

# Student (1908), The probable error of a mean, Biometrika 6(1): hours of sleep gained with two
# drugs. Mean difference 1.58, paired t = 4.0621 on 9 degrees of freedom; the 95 % intervals are
# those that R's t.test prints for this dataset (`sleep`): 0.7001 to 2.4599 with pairs, and
# -0.2055 to 3.3655 without (Welch, 17.776 degrees of freedom).
FIRST_DRUG = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND_DRUG = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


@pytest.fixture
def draw():
    return np.random.default_rng(20261122)


def test_students_sleep_with_pairs():
    found = difference(FIRST_DRUG, SECOND_DRUG, paired=True)
    assert found.method == PAIRED_T
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (1.58, 0.7001142, 2.4598858), abs=1e-6
    )
    assert found.is_clear is True


def test_students_sleep_without_pairs():
    found = difference(FIRST_DRUG, SECOND_DRUG, paired=False)
    assert found.method == WELCH
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (1.58, -0.2054832, 3.3654832), abs=1e-6
    )
    assert judge(found, higher_is_better=True) == "no clear difference"


@pytest.mark.parametrize("count", [2, 3, 10, 29])
def test_few_pairs_are_scipys_paired_t(draw, count):
    old, new = draw.normal(2.0, 1.0, count).tolist(), draw.normal(2.5, 2.0, count).tolist()
    found = difference(old, new, paired=True)
    expected = stats.ttest_rel(new, old).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("one", "other"), [(2, 2), (3, 5), (40, 200)])
def test_lists_without_pairs_are_scipys_welch(draw, one, other):
    old, new = draw.normal(2.0, 1.0, one).tolist(), draw.normal(2.5, 2.0, other).tolist()
    found = difference(old, new, paired=False)
    expected = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("count", [100, 600])
def test_the_bootstrap_agrees_with_the_linearized_standard_error(draw, count, weighted):
    weights = draw.integers(5, 500, count).astype(float) if weighted else np.ones(count)
    rates = draw.gamma(4.0, 0.5, count)
    old = SampleValues((rates * weights).tolist(), weights.tolist())
    new = SampleValues(
        ((rates + draw.normal(-0.1, 0.3, count)) * weights).tolist(), weights.tolist()
    )
    found = sample_difference(old, new, paired=True)
    error = paired_standard_error(old, new)
    assert found.method == BOOTSTRAP
    assert found.low == pytest.approx(found.estimate - 1.96 * error, abs=0.25 * error)
    assert found.high == pytest.approx(found.estimate + 1.96 * error, abs=0.25 * error)


def test_the_bootstrap_is_scipys(draw):
    old, new = draw.gamma(2.0, 1.0, 80), draw.gamma(2.2, 1.0, 80)
    found = difference(old.tolist(), new.tolist(), paired=True)
    expected = stats.bootstrap(
        (new - old,), np.mean, n_resamples=9999, method="BCa", rng=np.random.default_rng(7)
    ).confidence_interval
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.05 * width)
    assert found.high == pytest.approx(expected.high, abs=0.05 * width)


def test_the_same_values_give_the_same_interval(draw):
    old, new = draw.normal(size=(2, 50)).tolist()
    assert difference(old, new, paired=True) == difference(old, new, paired=True)


def test_very_many_pairs_take_the_normal_approximation(draw):
    old = draw.normal(0.0, 1.0, 5000)
    new = old + draw.normal(0.1, 1.0, 5000)
    found = difference(old.tolist(), new.tolist(), paired=True)
    error = stats.sem(new - old)
    assert found.method == NORMAL
    assert (found.low, found.high) == pytest.approx(
        stats.norm.interval(0.95, found.estimate, error)
    )


def test_paired_intervals_hold_the_truth_as_often_as_they_should(draw):
    inside = 0
    for _ in range(300):
        old = draw.normal(0.0, 3.0, 5)
        found = difference(old.tolist(), (old + draw.normal(1.0, 1.0, 5)).tolist(), paired=True)
        inside += found.low <= 1.0 <= found.high
    assert stats.binomtest(inside, 300, 0.95).pvalue > 1e-4


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("old", "new"),
    [([1.0], [2.0]), ([1.0, math.nan], [1.0, 2.0]), ([1.0, 2.0], [math.inf, 2.0])],
)
def test_no_interval_where_it_cannot_be_told(old, new, paired):
    found = difference(old, new, paired=paired)
    assert (found.low, found.high, found.method, found.is_clear) == (None, None, "", None)


def test_one_value_beside_several_has_no_interval():
    assert difference([1.0], [2.0, 4.0], paired=False) == Difference(2.0)


@pytest.mark.parametrize("paired", [True, False])
def test_values_that_are_all_the_same(paired):
    same = difference([2.0] * 40, [2.0] * 40, paired=paired)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)
    assert judge(same, higher_is_better=True) == "the same"
    moved = difference([2.0] * 40, [3.0] * 40, paired=paired)
    assert (moved.low, moved.high) == (1, 1)
    assert judge(moved, higher_is_better=True) == "better"


def test_wrong_lists_are_errors():
    with pytest.raises(ValueError, match="no values"):
        difference([], [1.0], paired=False)
    with pytest.raises(ValueError, match="2 values cannot be paired with 1"):
        difference([1.0, 2.0], [1.0], paired=True)


@pytest.mark.parametrize(
    ("old", "new", "paired"),
    [
        (SampleValues([], None), SampleValues([], None), True),
        (SampleValues([1.0, 2.0], [1.0, 1.0]), SampleValues([1.0, 2.0], [1.0, 2.0]), True),
        (SampleValues([1.0, 2.0], [1.0, 1.0]), SampleValues([1.0, 2.0], None), False),
        (SampleValues([1.0, math.nan], None), SampleValues([1.0, 2.0], None), True),
    ],
)
def test_samples_that_cannot_be_compared(old, new, paired):
    assert sample_difference(old, new, paired=paired) is None


@pytest.mark.parametrize("paired", [True, False])
def test_samples_of_other_data_are_not_paired(paired):
    old, new = SampleValues(FIRST_DRUG, None), SampleValues(SECOND_DRUG[:8], None)
    assert sample_difference(old, new, paired=paired).method == WELCH


def test_a_metric_is_the_mean_of_its_samples_or_it_is_not():
    assert is_mean_of(2.0, SampleValues([1.0, 3.0], None))
    assert is_mean_of(0.5, SampleValues([1.0, 3.0], [2.0, 6.0]))
    assert not is_mean_of(7.4, SampleValues([1.0, 3.0], None))
    assert not is_mean_of(0.0, SampleValues([0.0], [0.0]))


def test_an_interval_moves_with_its_estimate():
    found = Difference(1.0, 0.5, 1.75, WELCH, 0.25)
    assert found.around(1.5) == Difference(1.5, 1.0, 2.25, WELCH, 0.25)
    assert Difference(1.0).around(2.0) == Difference(2.0)


def test_values_too_large_to_be_squared_have_no_interval():
    found = difference([1e200, -1e200, 3e200], [2e200, 5e200, -9e200], paired=True)
    assert found.interval is None


FLOATS = st.floats() | st.sampled_from([1e308, -1e308, 1.7e308, 5e-324, 0.0, math.inf, math.nan])


@given(
    st.lists(st.tuples(FLOATS, FLOATS, st.floats(0, 1e308)), min_size=1, max_size=40),
    st.booleans(),
    st.booleans(),
)
def test_values_of_any_size_raise_nothing(rows, paired, weighted):
    old, new, weights = (list(column) for column in zip(*rows, strict=True))
    difference(old, new, paired=paired)
    samples = [SampleValues(values, weights if weighted else None) for values in (old, new)]
    sample_difference(*samples, paired=paired)
    for values, sample in zip((old, new), samples, strict=True):
        is_mean_of(values[0], sample)
