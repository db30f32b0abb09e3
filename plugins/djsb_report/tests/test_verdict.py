"""The words at the top follow from the numbers."""

import math

import pytest

from djsb_core.api import Metric, MetricKind
from djsb_report.findings import find
from djsb_report.verdict import conclude


def verdict(run, status="finished", reason=None):
    run.end(status, reason)
    return conclude(run.reading, find(run.reading))


@pytest.mark.parametrize(
    ("after", "up", "tone", "headline"),
    [
        (0.9, True, "better", "after is better than before on score."),
        (0.9, False, "worse", "after is worse than before on score."),
        (0.5, True, "unclear", "No clear difference between before and after."),
        (0.1, True, "worse", "after is worse than before on score."),
        (0.1, False, "better", "after is better than before on score."),
    ],
)
def test_one_score(new_run, after, up, tone, headline):
    run = new_run()
    run.score("before", 0.5, 0.2, up=up)
    run.score("after", after, 0.2, up=up)
    found = verdict(run)
    assert (found.tone, found.headline) == (tone, headline)


def test_an_interval_that_covers_zero_is_no_clear_difference(new_run):
    run = new_run()
    run.score("before", 0.5, 0.4)
    run.score("after", 0.501, 0.4)
    found = verdict(run)
    assert found.tone == "unclear"
    line = found.changes[0]
    assert "no clear difference" in line
    low, high = line.partition("interval ")[2].rstrip(".").split(" to ")
    assert (low[0], high[0]) == ("\N{MINUS SIGN}", "+")


def scored(run, name, values, directions, samples=()):
    run.add(
        name, "EvaluateModelHook", "evaluation", metrics=values, directions=directions,
        samples={one: [values[one]] * 30 for one in samples},
    )  # fmt: skip


def test_mixed_scores_name_both(new_run):
    run = new_run()
    up = {"a": True, "b": True, "c": True}
    scored(run, "before", {"a": 1.0, "b": 1.0, "c": 1.0}, up, samples="abc")
    scored(run, "after", {"a": 2.0, "b": 0.5, "c": 1.0}, up, samples="abc")
    found = verdict(run)
    assert found.tone == "mixed"
    assert found.headline == "after against before: better on a; worse on b; the same on c."


def test_a_score_without_an_interval_is_not_judged(new_run):
    run = new_run()
    for name, value in (("before", 1.0), ("after", 2.0)):
        scored(run, name, {"a": value}, {"a": True})
    found = verdict(run)
    assert (found.tone, found.headline) == ("none", "after against before: not judged on a.")
    assert any("nothing tells their difference from chance" in line for line in found.certainty)


def test_scores_with_an_interval_decide(new_run):
    run = new_run()
    directions = {"sure": True, "unsure": True}
    scored(run, "before", {"sure": 1.0, "unsure": 1.0}, directions, samples=["sure"])
    scored(run, "after", {"sure": 2.0, "unsure": 0.5}, directions, samples=["sure"])
    found = verdict(run)
    assert found.headline == "after is better than before on sure."
    assert not any("unsure" in line for line in found.changes)


def test_a_score_that_is_no_number_has_no_verdict(new_run):
    run = new_run()
    scored(run, "before", {"a": 1.0, "b": 1.0}, {"a": True, "b": True})
    scored(run, "after", {"a": math.nan, "b": 1.0}, {"a": True, "b": True})
    found = verdict(run)
    assert (found.tone, found.headline) == (
        "unclear",
        "after against before: the same on b; no verdict on a.",
    )
    assert "1 → nan, no verdict (higher is better)" in found.changes[0]


def test_scores_without_any_verdict(new_run):
    run = new_run()
    for name, value in (("before", 1.0), ("after", math.nan)):
        scored(run, name, {"a": value}, {"a": True})
    found = verdict(run)
    assert (found.tone, found.headline) == ("none", "after against before: no verdict on a.")


def test_samples_of_other_data_are_not_called_the_same(new_run):
    run = new_run()
    for name, value in (("raw", 0.5), ("refined", 0.6)):
        settings = {"extra_configs": {"dataset_path": f"{name}.jsonl"}}
        run.score(name, value, 0.1, settings=settings)
    found = verdict(run)
    assert any("measured on different samples" in line for line in found.certainty)
    assert not any("on the same" in line for line in found.certainty)


def test_metrics_without_direction_decide_nothing(new_run):
    run = new_run()
    scored(run, "before", {"documents": 1.0}, {})
    scored(run, "after", {"documents": 2.0}, {})
    found = verdict(run)
    assert found.tone == "none"
    assert found.headline.startswith("Nothing was scored twice")


def test_several_later_jobs_are_counted(new_run):
    run = new_run()
    for name, score in (("first", 0.5), ("good", 0.9), ("bad", 0.1), ("equal", 0.5)):
        run.score(name, score, 0.1)
    found = verdict(run)
    assert found.headline == "3 comparisons: 1 better, 1 worse, 1 not clearly different."
    assert found.tone == "mixed"
    assert [line.split()[2] for line in found.changes] == ["good", "bad", "equal"]


def test_pipelines_are_compared_each_by_itself(new_run):
    run = new_run()
    for pipeline, gain in (("x", 0.3), ("y", 0.4)):
        run.score("before", 0.1, 0.05, pipeline=pipeline)
        run.score("after", 0.1 + gain, 0.05, pipeline=pipeline)
    found = verdict(run)
    assert found.headline == "2 comparisons: 2 better."
    assert "score of x.after against x.before" in found.changes[0]
    assert "score of y.after against y.before" in found.changes[1]


@pytest.mark.parametrize(
    ("gains", "tone"), [((0.3, 0.31, 0.29), "better"), ((0.3, -0.3, 0.1), "unclear")]
)
def test_repeated_with_seeds_the_interval_is_over_trainings(new_run, gains, tone):
    run = new_run()
    for seed, gain in enumerate(gains):
        pipeline = f"anonymous@seed={seed}"
        run.train("train", pipeline=pipeline)
        run.score("before", 0.5 + seed / 100, pipeline=pipeline)
        run.score("after", 0.5 + seed / 100 + gain, pipeline=pipeline)
    found = verdict(run)
    assert found.tone == tone
    assert "score of after against before" in found.changes[0]
    assert any("repeated with 3 seeds" in line for line in found.certainty)
    assert not any("single training run" in line for line in found.certainty)


def test_trainings_on_other_amounts_of_data_are_told(new_run):
    run = new_run()
    run.train("a", metrics={"tokens": 1000}, settings={"extra_configs": {"lr": 1}})
    run.train("b", metrics={"tokens": 2000}, settings={"extra_configs": {"lr": 2}})
    run.score("x", 0.5, 0.1)
    run.score("y", 0.5, 0.1)
    found = verdict(run)
    assert (
        "Training: a and b differ only in lr. "
        "They saw different amounts of data: 1,000 and 2,000 tokens."
    ) in found.changes


@pytest.mark.parametrize(
    ("status", "start", "tone"),
    [
        ("failed", "This run failed", "failed"),
        ("interrupted", "This run was interrupted", "none"),
    ],
)
def test_a_run_without_end_has_no_verdict(new_run, status, start, tone):
    run = new_run()
    run.score("before", 0.5)
    run.score("after", 0.9)
    run.add("broken", "H", "evaluation", status=status, error="disk full" * 200)
    found = verdict(run, status, "stopped")
    assert found.headline.startswith(start)
    assert found.tone == tone
    assert max(map(len, found.changes)) < 400


def test_the_warnings_of_jobs_stand_in_the_box(new_run):
    run = new_run()
    declared = (Metric("warning", kind=MetricKind.WARNING),)
    run.train("train", metrics={"warning": "the model has not changed"}, declared=declared)
    run.score("before", 0.5, 0.2)
    found = verdict(run)
    assert "train warns: the model has not changed" in found.certainty
