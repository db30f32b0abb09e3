"""Training curves: few points that stand for many."""

import numpy as np
import pytest

from djsb_core.job.reports import Point
from djsb_report.charts import tick
from djsb_report.curves import MOST_STEPS, make_curve, read_curves


def points(values, start=1):
    return [Point("loss", value, i, 0.0) for i, value in enumerate(values, start=start)]


@pytest.mark.parametrize("count", [2, 59, 60, 61, 400, 1001])
def test_a_curve_has_the_means_of_all_its_values(count):
    values = np.random.default_rng(count).normal(size=count)
    curve = make_curve("m", points(values))
    assert len(curve.means) <= MOST_STEPS
    parts = np.array_split(values, len(curve.means))
    assert {len(part) for part in parts} <= {curve.averaged, curve.averaged - 1}
    assert np.mean(curve.means) == pytest.approx(np.mean(values), abs=0.05)
    assert (min(curve.lowest), max(curve.highest)) == (min(values), max(values))
    assert curve.reached == count


def test_few_steps_are_shown_as_they_are():
    curve = make_curve("m", points([3.0, 2.0, 1.0]))
    assert (curve.steps, curve.means) == ([1, 2, 3], [3.0, 2.0, 1.0])


def test_a_step_reported_twice_counts_with_its_last_value():
    curve = make_curve("m", [*points([3.0, 2.0]), *points([9.0, 1.0], start=2)])
    assert curve.means == [3.0, 9.0, 1.0]


def test_all_trainings_are_in_one_plot(new_run):
    run = new_run()
    for name in ("a", "b", "c"):
        series = {"loss": [2.0, 1.0], "lr": [0.1, 0.1], "eval_loss": [3.0, float("nan"), 2.0]}
        run.train(name, series=series, directions={"loss": False})
    first, second = read_curves(run.reading)
    assert (first.metric, second.metric) == ("loss", "eval_loss")
    assert [line.name for line in first.legend] == ["a", "b", "c"]
    assert len({line.colour for line in first.legend}) == 3
    assert second.legend[0].steps == 3
    assert second.legend[0].last == 2.0


def test_seeds_and_pipelines_are_named(new_run):
    run = new_run()
    for pipeline in ("x@seed=1", "x@seed=2", "y"):
        run.train("t", pipeline=pipeline, series={"loss": [1.0, 2.0]})
    (plot,) = read_curves(run.reading)
    assert [line.name for line in plot.legend] == ["x.t (seed 1)", "x.t (seed 2)", "y.t"]


def test_many_trainings_are_bounded(new_run):
    run = new_run()
    for i in range(60):
        run.train(f"t{i}", series={"loss": [1.0, 2.0]})
    (plot,) = read_curves(run.reading)
    assert len(plot.legend) == 24
    assert plot.left_out == 36
    assert len({(line.colour, line.dash) for line in plot.legend}) == 24


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.25, "0.25"),
        (1500, "1500"),
        (12_500, "12.5k"),
        (-2e6, "-2M"),
        (3e-05, "3e-05"),
        (-1e300, "-1e+300"),
    ],
)
def test_numbers_at_the_axes_are_short(value, text):
    assert tick(value) == text
