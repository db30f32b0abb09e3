import math

import pytest

from djsb.evidence.difference import BOOTSTRAP, WELCH, Difference
from djsb.evidence.verdict import judge


@pytest.mark.parametrize(
    ("old", "new", "error", "higher", "verdict"),
    [
        (1.0, 2.0, None, True, "not judged"),
        (1.0, 2.0, None, False, "not judged"),
        (2.0, 1.0, None, False, "not judged"),
        (2.0, 1.0, None, True, "not judged"),
        (1.0, 2.0, None, None, ""),
        (1.0, 1.0, None, True, "the same"),
        (1.0, 2.0, 0.5, True, "better"),
        (1.0, 2.0, 0.52, True, "no clear difference"),
        (2.0, 1.0, 0.52, True, "no clear difference"),
        (1.0, 2.0, 0.52, None, "no clear difference"),
        (1.0, 1.0, 0.0, True, "the same"),
        (1.0, 2.0, 0.0, True, "better"),
        (1.0, 2.0, 0.4, None, ""),
        (2.0, math.nan, None, False, ""),
        (2.0, math.nan, None, True, ""),
        (math.nan, 2.0, 0.1, False, ""),
        (2.0, math.inf, None, False, "not judged"),
        (math.inf, 2.0, None, False, "not judged"),
    ],
)
def test_the_word_for_two_values(old, new, error, higher, verdict):
    gap = new - old
    half = 0 if error is None else 1.96 * error
    found = Difference(gap) if error is None else Difference(gap, gap - half, gap + half, WELCH)
    assert judge(found, higher_is_better=higher) == verdict


@pytest.mark.parametrize(
    ("found", "higher", "verdict"),
    [
        (Difference(1.0), True, "not judged"),
        (Difference(1.0), False, "not judged"),
        (Difference(-1.0), False, "not judged"),
        (Difference(1.0), None, ""),
        (Difference(0.0), True, "the same"),
        (Difference(0.0), None, ""),
        (Difference(0.0, 0.0, 0.0, WELCH), True, "the same"),
        (Difference(0.0, 0.0, 0.0, WELCH), None, "the same"),
        (Difference(0.0, -0.1, 0.1, WELCH), True, "no clear difference"),
        (Difference(math.nan), True, ""),
        (Difference(1.0, -0.1, 2.1, WELCH), True, "no clear difference"),
        (Difference(1.0, 0.0, 2.0, WELCH), True, "no clear difference"),
        (Difference(1.0, -0.1, 2.1, WELCH), None, "no clear difference"),
        (Difference(1.0, 0.1, 1.9, WELCH), True, "better"),
        (Difference(-1.0, -1.9, -0.1, WELCH), True, "worse"),
        (Difference(-1.0, -1.9, -0.1, WELCH), None, ""),
    ],
)
def test_the_word_for_a_difference(found, higher, verdict):
    assert judge(found, higher_is_better=higher) == verdict


def test_the_interval_decides_where_it_does_not_hold_its_estimate():
    found = Difference(-0.001, 0.002, 0.4, BOOTSTRAP)
    assert judge(found, higher_is_better=True) == "better"
