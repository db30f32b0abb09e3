"""Changed settings beside changed metrics of two runs."""

import pytest

from djsb.store.environment import write_environment
from djsb_report.against import compare_with


@pytest.fixture
def two(new_run):
    def make(old, new):
        runs = []
        for lr, score in (old, new):
            run = new_run()
            run.train("train", settings={"extra_configs": {"lr": lr, "api_key": f"sk-{lr}-secret"}})
            run.score("eval", score, 0.1)
            run.end()
            runs.append(run)
        return runs

    return make


def test_settings_and_metrics_that_changed(two):
    before, after = two((0.1, 0.5), (0.2, 0.8))
    found = compare_with(after.reading, before.reading)
    lr, key = found.settings
    assert (lr.job, lr.key, lr.old, lr.new) == ("train", "extra_configs.lr", "0.1", "0.2")
    assert (key.old, key.new) == ("***", "***")
    ((job, score),) = found.metrics
    assert (job, score.verdict) == ("eval", "better")
    assert score.difference.estimate == pytest.approx(0.3)
    assert score.difference.low > 0.29
    assert found.other.id == before.record.id


def test_equal_runs(two):
    before, after = two((0.1, 0.5), (0.1, 0.5))
    found = compare_with(after.reading, before.reading)
    assert (found.settings, found.metrics, found.equal) == ([], [], 1)
    page = after.page(against=before.record)
    assert "No setting differs." in page.text
    assert "1 metric is equal in both." in page.text


def test_the_page_shows_both(two):
    before, after = two((0.1, 0.8), (0.2, 0.5))
    page = after.page(against=before.record)
    assert page.sections[1] == "against"
    assert f"Before: run {before.record.id}" in page.text
    assert "worse" in page.text
    assert "secret" not in page.source


def test_jobs_that_only_one_run_finished(two, new_run):
    before, after = two((0.1, 0.5), (0.2, 0.8))
    after.score("more", 1.0)
    found = compare_with(after.reading, before.reading)
    assert found.missing == ["more"]


def test_packages_that_differ(two):
    before, after = two((0.1, 0.5), (0.2, 0.8))
    assert "Packages" not in after.page(against=before.record).text.partition("What ran")[0]
    for run, version in ((before, "1.26"), (after, "<b>2")):
        write_environment(run.record.folder, {"python": "3.11", "packages": {"numpy": version}})
    page = after.page(against=before.record)
    assert "Packages that differ: numpy 1.26 → <b>2." in page.text
    assert "<b>2" not in page.source


def test_the_verdict_answers_the_question_that_was_asked(two):
    before, after = two((0.1, 0.5), (0.2, 0.8))
    text = after.page(against=before.record).text
    verdict = text[text.index("Verdict") : text.index("Compared with the other run")]
    names = (f"run {after.record.id}", f"run {before.record.id}")
    assert f"{names[0]} is better than {names[1]} on score." in verdict
    assert f"score of {names[0]} against {names[1]}: " in verdict


def test_the_verdict_on_several_evaluations_names_them(two):
    before, after = two((0.1, 0.5), (0.2, 0.8))
    for run in (before, after):
        run.score("more", 0.4, 0.1)
    text = after.page(against=before.record).text
    assert "2 comparisons: 1 better, 1 not clearly different." in text
    assert f"score of more of run {after.record.id} against more of run {before.record.id}" in text


def test_runs_without_a_common_score(two, new_run):
    before, _ = two((0.1, 0.5), (0.2, 0.8))
    run = new_run()
    run.train("train")
    run.end()
    found = run.page(against=before.record).text
    assert f"This run and run {before.record.id} have no score in common." in found
