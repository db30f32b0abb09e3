import math
from statistics import fmean

import pytest
from scipy import stats

from djsb.evidence.compare import Comparison
from djsb.evidence.seeds import over_seeds
from djsb.report.summary import changes_table

OLD, NEW = [5.75, 5.81, 5.79], [5.67, 5.70, 5.74]


def comparisons(old=OLD, new=NEW, pipeline="train", direction=False):
    return [
        Comparison("loss", "raw", "refined", a, b, None, direction, "H", f"{pipeline}@seed={seed}")
        for seed, (a, b) in enumerate(zip(old, new, strict=True))
    ]


def test_the_paired_difference_is_scipys():
    (found,) = over_seeds(comparisons())
    pairs = stats.ttest_rel(NEW, OLD)
    interval = pairs.confidence_interval(0.95)
    assert (found.old, found.new, found.seeds) == (fmean(OLD), fmean(NEW), 3)
    assert found.difference == pytest.approx(fmean(NEW) - fmean(OLD))
    assert found.half_width == pytest.approx((interval.high - interval.low) / 2)
    assert found.standard_error == pytest.approx(
        stats.sem([b - a for a, b in zip(OLD, NEW, strict=True)])
    )
    assert found.errors == pytest.approx((stats.sem(OLD), stats.sem(NEW)))
    assert found.pipeline == "train"


def test_few_seeds_are_judged_by_students_t():
    """Three differences of -0.08, -0.11 and -0.05: clear by a normal interval, and by t too."""
    (found,) = over_seeds(comparisons())
    assert found.verdict == "better"
    (doubtful,) = over_seeds(comparisons(new=[5.67, 5.70, 5.80]))
    normal = 1.96 * doubtful.standard_error
    assert abs(doubtful.difference) > normal / 2
    assert doubtful.verdict == "no clear difference"


def test_other_pipelines_stay_as_they_are():
    single = Comparison("loss", "raw", "refined", 1.0, 2.0, pipeline="other")
    assert list(over_seeds([single])) == [single]
    assert len(list(over_seeds([*comparisons(), *comparisons(pipeline="more"), single]))) == 3


def test_one_seed_is_no_mean():
    (one,) = comparisons([1.0], [2.0])
    assert list(over_seeds([one])) == [one]


def test_the_table_says_how_many_seeds():
    text = changes_table(over_seeds(comparisons()))
    assert "raw → refined (3 seeds)" in text
    assert f"5.783 ± {stats.sem(OLD):.2g}" in text
    assert "better" in text


def test_a_seed_that_failed_to_a_nan_leaves_no_verdict():
    (found,) = over_seeds(comparisons(new=[5.67, math.nan, 5.74]))
    assert found.verdict == ""


def test_what_no_seed_decides_is_said_once_as_it_is():
    (found,) = over_seeds(comparisons([8.0] * 3, [6.0] * 3, direction=None))
    assert (found.seeds, found.standard_error, found.pipeline) == (1, None, "train")
    assert "raw → refined  " in changes_table([found])
    assert "-2 (-25.0%)" in changes_table([found])
