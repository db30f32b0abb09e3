"""The picture of the jobs, the funnel, the distributions and the scores."""

from djsb.store.records import TargetRecord
from djsb_core.metrics import Metric
from djsb_report.distributions import read_distributions
from djsb_report.findings import find
from djsb_report.funnel import read_funnels
from djsb_report.pipeline import draw_jobs
from djsb_report.scores import read_scores


def test_everything_that_was_measured_is_listed(new_run):
    run = new_run()
    metrics = {"undeclared": 1.0, "seconds": 2.0, "loss_stderr": 3.0, "loss": 4.0}
    run.add("e", "E", "evaluation", metrics=metrics, directions={"loss": False})
    (evaluation,) = read_scores(run.reading, find(run.reading)).measured
    names = [name for name, *_ in evaluation.values]
    assert names == ["loss", "seconds", "loss_stderr", "undeclared"]
    assert all(name in run.page().text for name in names)


def test_a_primary_score_without_a_direction_is_compared(new_run):
    run = new_run()
    for name, length in (("a", 3.0), ("b", 5.0)):
        run.add(
            name, "E", "evaluation", metrics={"length": length, "plain": length},
            declared=(Metric("length", "words", primary=True), Metric("plain")),
        )  # fmt: skip
    (score,) = read_scores(run.reading, find(run.reading)).compared
    assert (score.metric, score.old, score.new) == ("length", 3.0, 5.0)
    assert (score.better, score.verdict) == ("", "")
    run.end()
    text = run.page().text
    assert "b against a: no verdict on length." in text
    assert "length (words) a → b" in text
    assert "( is better)" not in text


def test_the_unit_of_a_score_stands_beside_its_name(new_run):
    run = new_run()
    declared = (Metric("nll", "nats per token", higher_is_better=False),)
    for name, value in (("a", 3.0), ("b", 5.0)):
        run.add(name, "E", "evaluation", metrics={"nll": value}, declared=declared)
    text = run.page().text
    assert "nll (nats per token, lower is better) a → b" in text
    assert "nll (nats per token) 5" in text


def test_a_score_without_a_direction_decides_nothing(new_run):
    run = new_run()
    for name, value in (("a", 3.0), ("b", 5.0)):
        run.add(
            name, "E", "evaluation", metrics={"length": value, "loss": value},
            declared=(Metric("length", primary=True),), directions={"loss": False},
        )  # fmt: skip
    run.end()
    assert "b against a: not judged on loss. " in run.page().text


def test_jobs_stand_in_their_stages_with_what_they_take(new_run):
    run = new_run()
    files = run.add("a", "H", "execution", seconds=4.0, outputs={"o": "x.jsonl"})
    settings = {"extra_configs": {"list": [{"p": f"{files}/x.jsonl"}], "q": "/elsewhere"}}
    run.add(
        "b", "H", "evaluation", status="cached", source_run="r0", seconds=1.0, settings=settings
    )
    (lane,) = draw_jobs(run.reading).lanes
    (first, (a,)), (second, (b,)) = lane.stages
    assert (first, second) == ("Execute", "Evaluate")
    assert (a.share, b.share) == (100.0, 25.0)
    assert (a.takes, b.takes) == ([], ["a"])
    assert b.source_run == "r0"
    assert lane.counts == "1 finished, 1 cached"


def test_the_last_iteration_comes_first_and_is_open(new_run):
    run = new_run()
    for iteration in (1, 2):
        for pipeline in ("x", "y"):
            run.add("a", "H", "execution", iteration=iteration, pipeline=pipeline)
    lanes = draw_jobs(run.reading).lanes
    assert [(one.iteration, one.pipeline, one.is_open) for one in lanes] == [
        (2, "x", True), (2, "y", True), (1, "x", False), (1, "y", False),
    ]  # fmt: skip
    assert "x, iteration 2: 1 finished" in run.page().text


def test_targets_by_iteration(new_run):
    run = new_run()
    run.add("a", "H", "evaluation")
    measured = [
        TargetRecord(1, "a.x > 1", 0.5, met=False),
        TargetRecord(2, "a.x > 1", 2.0, met=True),
    ]
    run.store.add_targets(run.record.id, measured)
    picture = draw_jobs(run.reading)
    assert picture.iterations == [1, 2]
    assert picture.targets[0].values == [(0.5, False), (2.0, True)]
    assert "0.5 not met" in run.page().text


def test_failures_are_told_with_their_reason(new_run):
    run = new_run()
    run.add("a", "H", "execution", status="failed", error="boom " * 1000)
    run.end("failed")
    (failure,) = draw_jobs(run.reading).failures
    assert failure.name == "a"
    assert len(failure.error) == 2000
    page = run.page()
    assert "✗ failed" in page.text
    assert "This run failed" in page.text


def test_rows_after_each_operator(new_run):
    run = new_run()
    metrics = {"rows_in": 100, "rows_kept": 60, "after.a": 80, "after.b": 90, "after.a_2": 60}
    run.add("p", "ProcessDataHook", "execution", metrics=metrics)
    (funnel,) = read_funnels(run.reading)
    assert [(one.name, one.rows, one.dropped, one.share) for one in funnel.steps] == [
        ("a", 80, 20, 80.0), ("b", 90, -10, 90.0), ("a_2", 60, 30, 60.0),
    ]  # fmt: skip
    assert "b 90 (+10)" in run.page().text


def test_a_processing_that_counts_no_operators(new_run):
    run = new_run()
    run.add("p", "P", "execution", component="spark", metrics={"rows_in": 10, "rows_kept": 5})
    (funnel,) = read_funnels(run.reading)
    assert [(one.name, one.dropped) for one in funnel.steps] == [("spark", 5)]


def test_the_same_result_under_several_seeds_is_shown_once(new_run):
    run = new_run()
    for seed in (1, 2):
        run.add(
            "p", "ProcessDataHook", "execution", pipeline=f"x@seed={seed}", fingerprint="same",
            metrics={"rows_in": 10, "rows_kept": 5},
        )  # fmt: skip
    (funnel,) = read_funnels(run.reading)
    assert funnel.name == "p"


def test_statistics_with_bounds_drawn_in(full):
    (found,) = read_distributions(full().reading)
    assert (found.before, found.after) == ("probe", "probe_after")
    (one,) = found.statistics
    assert one.statistic == "text_len"
    assert [bound.argument for bound in one.bounds] == ["max_len"]
    assert "var(--bound)" in one.chart
    assert one.summaries == [("count", 40, 21), ("mean", 30.5, 20.5)]
    assert one.outside == "Rows outside the chart: 2 before, 2 after."
    assert [bound.argument for bound in found.unplaced] == ["threshold"]


def test_a_probe_without_histograms_is_shown_as_numbers(new_run):
    run = new_run()
    run.add("p", "ProbeViaAnalyzerHook", "probe", metrics={"len.mean": 3.0, "len.std": 1.0})
    (found,) = read_distributions(run.reading)
    assert found.statistics[0].chart is None
    assert found.statistics[0].summaries == [("mean", 3.0, None), ("std", 1.0, None)]
    assert "distributions" in run.page().sections


def test_relative_changes_share_one_scale(new_run):
    run = new_run()
    run.score("first", 0.5, 0.05)
    run.score("half", 0.25, 0.05)
    run.score("double", 1.0, 0.05)
    half, double = read_scores(run.reading, find(run.reading)).compared
    assert half.relative[0] == "\N{MINUS SIGN}"
    assert double.relative[0] == "+"
    assert (half.track.zero, double.track.zero) == (50, 50)
    assert 96 >= double.track.high > double.track.point > double.track.low > 50
    assert 4 <= half.track.low < half.track.point < half.track.high < 50


def test_a_score_of_zero_before_has_no_relative_change(new_run):
    run = new_run()
    for name, score in (("before", 0.0), ("after", 0.5)):
        run.score(name, score)
    (score,) = read_scores(run.reading, find(run.reading)).compared
    assert (score.relative, score.track, score.verdict) == ("", None, "not judged")


def test_all_that_was_measured_is_listed(new_run):
    run = new_run()
    metrics = {"loss": 1.0, "loss_stderr": 0.1, "documents": 5, "words": "text"}
    run.add("e", "E", "evaluation", metrics=metrics, directions={"loss": False})
    scores = read_scores(run.reading, find(run.reading))
    assert scores.compared == []
    measured = {"loss": 1.0, "loss_stderr": 0.1, "documents": 5}
    assert {name: value for name, value, _ in scores.measured[0].values} == measured


def test_of_a_pipeline_repeated_with_seeds_the_first_is_open(new_run):
    run = new_run()
    for pipeline in ("x@seed=1", "x@seed=2", "y"):
        run.add("a", "H", "execution", pipeline=pipeline)
    lanes = draw_jobs(run.reading).lanes
    assert [(one.pipeline, one.is_open) for one in lanes] == [
        ("x, seed 1", True), ("x, seed 2", False), ("y", True),
    ]  # fmt: skip
