from types import SimpleNamespace

import pytest

from djsb.query.declared import (
    counts_of,
    direction_of,
    is_evaluation,
    is_minor,
    is_of_data,
    is_summarized,
)


def job(stage="evaluation", hook="H", **directions):
    return SimpleNamespace(stage=stage, hook=hook, directions=directions)


PROBE, TRAINING = job(hook="ProbeViaAnalyzerHook"), job("execution", "TrainModelHook")


@pytest.mark.parametrize(
    ("jobs", "direction"),
    [
        ([job(m=True), job(m=True)], True),
        ([job(m=False), job()], False),
        ([job(), job(m=False)], False),
        ([job(m=True), job(m=False)], None),
        ([job(), job(other=True)], None),
        ([job("execution", m=True), job("execution", m=True)], None),
    ],
)
def test_what_is_better(jobs, direction):
    assert direction_of(jobs, "m") is direction


def test_what_belongs_to_a_summary():
    assert [is_summarized(PROBE, name) for name in ("a.mean", "a.std")] == [True, False]
    assert [is_summarized(TRAINING, name) for name in ("tokens", "loss")] == [True, False]
    assert [is_summarized(job(), name) for name in ("loss", "loss_stderr")] == [True, False]


def test_what_only_those_see_who_ask_for_everything():
    assert [is_minor([PROBE], name) for name in ("a.mean", "a.std")] == [False, True]
    assert [is_minor([job()], name) for name in ("loss", "seconds")] == [False, True]


def test_probes_do_not_score():
    assert [is_evaluation(one) for one in (job(), PROBE, TRAINING)] == [True, False, False]


def test_settings_that_name_data():
    names = ("extra_configs.dataset_path", "extra_configs.dataset.path", "dj_configs.np")
    assert [is_of_data(name) for name in names] == [True, True, False]


def test_what_a_job_counted():
    assert counts_of({"rows_in": 5, "rows_kept": 2, "x": 1}) == {"rows": (5, 2)}
    assert counts_of({"rows_in": 5, "rows_kept": "2"}) == counts_of({}) == {}
