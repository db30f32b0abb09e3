import json
import math

import numpy as np
import pytest
from scipy import stats

from djsb.report.comparison_text import (
    CSV_HEADERS,
    comparison_json,
    comparison_rows,
    comparison_text,
)
from djsb.report.written import json_text
from djsb_core.metrics import Metric


def test_what_was_set_and_what_came_of_it(history, compare):
    history.add(history.train(lr=0.1, same=1), history.score(0.5))
    history.add(history.train(lr=0.2, same=1, new="x"), history.score(0.6))
    found = compare("last~1", "last")
    assert [(one.job, one.name, one.values) for one in found.settings] == [
        ("train", "extra_configs.lr", (0.1, 0.2)),
        ("train", "extra_configs.new", (None, "x")),
    ]
    (metric,) = found.metrics
    assert (metric.job, metric.name, metric.values) == ("eval", "score", (0.5, 0.6))
    assert metric.contrasts[0].difference.estimate == pytest.approx(0.1)
    assert metric.contrasts[0].relative == pytest.approx(0.2)
    assert metric.contrasts[0].verdict == "not judged"
    assert found.missing == []


def test_a_primary_score_without_a_direction_is_among_the_scores(history, compare):
    declared = (Metric("length", primary=True), Metric("plain"))
    for value in (3.0, 5.0):
        metrics = {"score": value, "length": value, "plain": value}
        history.add(history.score(value, metrics=metrics, declared=declared))
    scores, others = comparison_text(compare("last~1", "last")).split("Other metrics")
    assert "length" in scores
    assert "plain" in others
    (line,) = [line for line in scores.splitlines() if "length" in line]
    assert not any(word in line for word in ("better", "worse"))


def test_jobs_in_other_environments(history, compare):
    names = (None, "c (uv) 0123456789ab", "c (uv) ba9876543210", "c (uv) ba9876543210")
    for name in names:
        history.add(history.score(0.5, environment=name))
    for sides, values in ((("last~3", "last"), (None, names[3])), (("last~2", "last"), names[1:3])):
        (one,) = compare(*sides).settings
        assert (one.job, one.name, one.values) == ("eval", "environment", values)
    assert compare("last~1", "last").settings == []


def test_several_are_compared_with_the_first(history, compare):
    for value in (0.5, 0.4, 0.7):
        history.add(history.score(value))
    (metric,) = compare("last~2", "last~1", "last").metrics
    assert metric.values == (0.5, 0.4, 0.7)
    assert [metric.contrasts[0].verdict, metric.contrasts[1].verdict] == ["not judged"] * 2


def test_pipelines_of_one_run(history, compare):
    history.add(
        history.train(lr=1) | {"pipeline": "raw"},
        history.score(0.5, pipeline="raw"),
        history.train(lr=2) | {"pipeline": "refined"},
        history.score(0.6, pipeline="refined"),
    )
    found = compare("last:raw", "last:refined")
    assert [(one.job, one.values) for one in found.settings] == [("train", (1, 2))]
    assert [(one.job, one.values) for one in found.metrics] == [("eval", (0.5, 0.6))]


def test_jobs_of_one_run(history, compare):
    history.add(
        {"meta_name": "train_raw", "outputs": {"model": "/c/1/m"}},
        {"meta_name": "train_refined", "outputs": {"model": "/c/2/m"}},
        history.score(0.5, "eval_raw", settings={"extra_configs": {"model_path": "/c/1/m"}}),
        history.score(0.6, "eval_refined", settings={"extra_configs": {"model_path": "/c/2/m"}}),
    )
    found = compare(":eval_raw", ":eval_refined")
    (setting,) = found.settings
    assert setting.values == ("train_raw.model", "train_refined.model")
    assert found.metrics[0].job == "eval_raw → eval_refined"
    assert found.metrics[0].contrasts[0].verdict == "not judged"


def test_jobs_with_other_names_that_do_the_same(history, compare):
    history.add(
        history.score(0.5, "before", pipeline="a"),
        history.score(0.6, "after", pipeline="b"),
        {"meta_name": "only", "pipeline": "b", "hook": "Other", "metrics": {"x": 1.0}},
    )
    found = compare(":a", ":b")
    assert [one.job for one in found.metrics] == ["before → after"]
    assert found.missing == [("only", (False, True))]


def test_jobs_whose_partner_is_not_certain_stay_alone(history, compare):
    history.add(history.score(0.5, "x"), history.score(0.5, "y"))
    history.add(history.score(0.6, "z"), history.score(0.6, "y"))
    history.add(history.score(0.6, "v"), history.score(0.6, "w"))
    assert [one.job for one in compare("last~2", "last~1").metrics] == ["x → z", "y"]
    found = compare("last~2", "last")
    assert found.metrics == []
    assert [job for job, _ in found.missing] == ["x", "y", "v", "w"]


def test_runs_with_several_pipelines_name_them(history, compare):
    for value in (0.1, 0.2):
        jobs = [history.score(value + 0.1 * i, pipeline=p) for i, p in enumerate("ab")]
        history.add(*jobs)
    assert [one.job for one in compare("last~1", "last").metrics] == ["a.eval", "b.eval"]


def test_a_probe_and_the_refinement_of_its_name_are_told_apart(history, compare):
    for value in (1.0, 2.0):
        history.add(
            {"meta_name": "probe", "component": "analyzer", "metrics": {"len.mean": value}},
            {"meta_name": "probe", "hook": "R", "component": "k_sigma", "metrics": {"min": value}},
        )
    labels = [one.job for one in compare("last~1", "last").metrics]
    assert labels == ["probe (analyzer)", "probe (k_sigma)"]


def test_a_failed_job_is_missing(history, compare):
    history.add(history.score(0.5))
    history.add(history.score(0.6, status="failed"))
    found = compare("last~1", "last")
    assert found.missing == [("eval", (True, False))]
    assert found.metrics == []
    text = comparison_text(found)
    assert "eval: missing or not finished in B." in text
    assert "No metric was measured on two sides." in text


def test_another_component_is_a_setting(history, compare):
    history.add(history.score(0.5))
    history.add(history.score(0.5, component="d"))
    assert compare("last~1", "last").settings[0].values == ("c", "d")


def test_trainings_have_no_better(history, compare):
    for value in (3.0, 2.0):
        job = {"stage": "execution", "metrics": {"loss": value}, "directions": {"loss": False}}
        history.add({"meta_name": "train", **job})
    assert [one.higher_is_better for one in compare("last~1", "last").metrics] == [None]


# -- how sure it is --------------------------------------------------------------------------------


def sampled(history, values, dataset="d.jsonl", weights=None, **more):
    total = math.fsum(weights) if weights else len(values)
    return history.score(
        math.fsum(values) / total,
        samples={"score": {"values": values, "weights": weights}},
        settings={"extra_configs": {"dataset_path": dataset}},
        **more,
    )


def test_samples_in_pairs(history, compare):
    old, new = [1.0, 2.0, 3.0, 4.0], [1.2, 2.1, 3.4, 4.4]
    history.add(sampled(history, old))
    history.add(sampled(history, new))
    (metric,) = compare("last~1", "last").metrics
    expected = stats.ttest_rel(new, old).confidence_interval(0.95)
    found = metric.contrasts[0].difference
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert metric.contrasts[0].verdict == "better"


def test_samples_with_weights_in_pairs(history, compare):
    weights = [float(10 + i % 7) for i in range(60)]
    draw = np.random.default_rng(5)
    old = [w * draw.gamma(2.0) for w in weights]
    new = [value + w * draw.normal(0.0, 0.1) for value, w in zip(old, weights, strict=True)]
    history.add(sampled(history, old, weights=weights))
    history.add(sampled(history, new, weights=weights))
    (metric,) = compare("last~1", "last").metrics
    assert metric.contrasts[0].difference.method == "paired bootstrap"
    assert (
        metric.contrasts[0].difference.low
        < metric.contrasts[0].difference.estimate
        < metric.contrasts[0].difference.high
    )


def test_samples_of_another_data_set_are_no_pairs(history, compare):
    old, new = [1.0, 2.0, 3.0, 4.0], [1.2, 2.1, 3.4, 4.4]
    history.add(sampled(history, old))
    history.add(sampled(history, new, dataset="e.jsonl"))
    (metric,) = compare("last~1", "last").metrics
    expected = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    assert metric.contrasts[0].difference.low == pytest.approx(expected.low)
    assert metric.contrasts[0].verdict == "no clear difference"


def test_samples_that_do_not_make_the_metric_say_nothing(history, compare):
    for value in (0.5, 0.6):
        history.add(history.score(value, samples={"score": [7.0, 8.0, 9.0]}))
    assert compare("last~1", "last").metrics[0].contrasts[0].difference.method == ""


def repeated(history, pipeline, values):
    return [
        history.score(value, pipeline=f"{pipeline}@seed={seed}", samples={"score": [value] * 9})
        for seed, value in values.items()
    ]


def test_the_same_seeds_are_pairs(history, compare):
    old, new = {1: 0.50, 2: 0.60, 3: 0.55}, {3: 0.58, 1: 0.54, 2: 0.63}
    history.add(*repeated(history, "a", old), *repeated(history, "b", new))
    (metric,) = compare(":a", ":b").metrics
    expected = stats.ttest_rel([new[i] for i in old], list(old.values()))
    interval = expected.confidence_interval(0.95)
    assert metric.values == pytest.approx((0.55, np.mean(list(new.values()))))
    assert metric.contrasts[0].difference.method == "paired t"
    assert metric.contrasts[0].difference.low == pytest.approx(interval.low)
    assert metric.contrasts[0].verdict == "better"


def test_other_seeds_are_no_pairs(history, compare):
    old, new = {1: 0.50, 2: 0.60, 3: 0.55}, {4: 0.58, 5: 0.54}
    history.add(*repeated(history, "a", old), *repeated(history, "b", new))
    (metric,) = compare(":a", ":b").metrics
    expected = stats.ttest_ind(list(new.values()), list(old.values()), equal_var=False)
    assert metric.contrasts[0].difference.method == "Welch's t"
    assert metric.contrasts[0].difference.high == pytest.approx(
        expected.confidence_interval(0.95).high
    )


def test_jobs_that_are_not_repeated_belong_to_their_pipeline(history, compare):
    history.add(
        {"meta_name": "process", "pipeline": "a", "metrics": {"rows": 3.0}},
        *repeated(history, "a", {1: 0.5, 2: 0.6}),
        {"meta_name": "process", "pipeline": "b", "metrics": {"rows": 2.0}},
        *repeated(history, "b", {1: 0.5, 2: 0.6}),
    )
    assert [one.job for one in compare(":a", ":b").metrics] == ["process", "eval"]
    assert [one.values[0] for one in compare(":a@seed=1", ":b@seed=2").metrics] == [0.5]


# -- as text, JSON and CSV -------------------------------------------------------------------------


def test_the_text_of_two(history, compare):
    history.add(history.train(lr=0.1), history.score(0.5), names=("p", "one"))
    history.add(history.train(lr=0.2), history.score(0.75), names=("p", "two"))
    text = comparison_text(compare("last~1", "last"))
    lines = [line.split() for line in text.splitlines()]
    assert ["train", "lr", "0.1", "0.2"] in lines
    assert ["score", "0.5", "0.75", "+0.25", "+50.0%", "not", "judged"] in lines
    assert "Scores of eval\n" in text
    assert "p / one" in text


def test_the_text_of_three(history, compare):
    for value in (0.5, 0.5, 0.25):
        history.add(history.score(value))
    lines = comparison_text(compare("last~2", "last~1", "last")).splitlines()
    assert [line.split() for line in lines[-3:]] == [
        ["score", "A", "0.5"],
        ["B", "0.5", "0", "the", "same"],
        ["C", "0.25", "-0.25", "-50.0%", "not", "judged"],
    ]


def test_an_interval_that_covers_zero_has_the_words(history, compare):
    history.add(sampled(history, [1.0, 2.0, 3.0]))
    history.add(sampled(history, [0.0, 2.5, 3.1]))
    text = comparison_text(compare("last~1", "last"))
    assert "no clear difference" in text
    assert "95 % interval" in text
    assert text.endswith("Intervals: 95 %, paired t.")


def test_what_describes_others_is_left_out_unless_asked_for(history, compare):
    for value in (1.0, 2.0):
        metrics = {"score": value, "score_stderr": value, "seconds": value, "rows": value}
        history.add({**history.score(value), "metrics": metrics})
        history.add({"meta_name": "p", "metrics": {"same": 1.0}})
    found = compare("last~3", "last~1")
    assert "stderr" not in comparison_text(found)
    assert "Not shown: 2 metrics" in comparison_text(found)
    assert "score_stderr" in comparison_text(found, everything=True)


def test_what_follows_from_earlier_jobs_is_counted(history, compare):
    entry = {"meta_name": "train", "input": {"extra_configs.bounds": "-1.bounds"}}
    for low in (1, 2):
        job = history.train(bounds={"low": low, "high": low})
        history.add(job, settings={"execution_job_configs": [entry]})
    found = compare("last~1", "last")
    assert "No setting differs.\n\n2 more follow from results of earlier" in comparison_text(found)
    assert "bounds.low" in comparison_text(found, everything=True)


def test_long_values_show_where_they_begin_to_differ(history, compare):
    for name in ("raw", "refined"):
        history.add(history.train(data=f"/a/very/long/path/to/some/folder/{name}.jsonl"))
    text = comparison_text(compare("last~1", "last"))
    assert "…raw.jsonl" in text
    assert "…refined.jsonl" in text


def test_many_differences_are_counted(history, compare):
    for value in (0, 1):
        history.add(history.train(**{f"k{i}": value for i in range(60)}))
    found = compare("last~1", "last")
    assert "\nand 35 more: --all." in comparison_text(found)
    assert "k59" in comparison_text(found, everything=True)


def test_a_run_beside_itself(history, compare):
    history.add(history.train(lr=1), history.score(0.5))
    text = comparison_text(compare("last", "last"))
    assert "No setting differs." in text
    assert "the same" in text


def test_for_scripts(history, compare):
    history.add(
        history.train(lr=0.1), history.score(0.0), sampled(history, [1.0, 2.0], meta_name="s")
    )
    history.add(
        history.train(lr=0.2), history.score(math.nan), sampled(history, [2.0, 4.0], meta_name="s")
    )
    found = compare("last~1", "last")
    data = json.loads(json_text(comparison_json(found)))
    assert [side["name"] for side in data["sides"]] == ["last~1", "last"]
    assert data["settings"][0]["values"] == [0.1, 0.2]
    nan, known = data["metrics"]
    assert nan["values"] == [0.0, None]
    assert nan["differences"][0]["relative"] is None
    assert known["differences"][0]["method"] == "paired t"
    rows = [dict(zip(CSV_HEADERS, row, strict=True)) for row in comparison_rows(found)]
    assert [(row["job"], row["side"]) for row in rows] == [("eval", "last"), ("s", "last")]
    assert rows[1]["difference"] == 1.5
