import json
import time
from datetime import datetime

import pytest
from rich.cells import cell_len

from djsb.query.names import parse_condition
from djsb.report import runs as module
from djsb.report.runs import (
    Filter,
    differing,
    list_runs,
    parse_since,
    runs_json,
    runs_rows,
    runs_table,
)
from djsb.report.written import json_text
from djsb_core.errors import RequestError


@pytest.fixture
def sweep(history):
    """Three runs with other learning rates, in the order in which they ran."""
    return [
        history.add(
            history.train(type="t", lr=lr, seed=1, optimizer={"lr": lr}),
            history.score(score),
            names=("p", name),
            status=status,
            started=started,
        ).id
        for lr, score, name, status, started in (
            (0.1, 0.5, "first", "finished", 1000.0),
            (0.01, 0.9, "second", "failed", 2000.0),
            ("1e-3", 0.7, "second", "finished", 3000.0),
        )
    ]


def listed(history, runs, /, **wanted):
    """Return the places among them of the runs that are listed."""
    return [runs.index(one.run.id) for one in list_runs(history.store, Filter(**wanted))]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        ({}, [2, 1, 0]),
        ({"limit": 1}, [2]),
        ({"statuses": ["failed"]}, [1]),
        ({"statuses": ["failed", "finished"]}, [2, 1, 0]),
        ({"statuses": ["killed"]}, []),
        ({"experiment": "second"}, [2, 1]),
        ({"experiment": "p / *"}, [2, 1, 0]),
        ({"experiment": "sec"}, []),
        ({"since": 2000.0}, [2, 1]),
        ({"sort": "started"}, [0, 1, 2]),
        ({"sort": "score"}, [0, 2, 1]),
        ({"sort": "-eval.score"}, [1, 2, 0]),
        ({"sort": "-eval.score", "limit": 2}, [1, 2]),
        ({"sort": "experiment_name"}, [0, 2, 1]),
        ({"statuses": ["finished"], "sort": "-seconds", "limit": 1}, [2]),
    ],
)
def test_filters(history, sweep, wanted, places):
    assert listed(history, sweep, **wanted) == places


@pytest.mark.parametrize(
    ("conditions", "places"),
    [
        (["score > 0.5"], [2, 1]),
        (["score > 0.5", "optimizer.lr >= 0.01"], [1]),
        (["optimizer.lr < 0.005"], [2]),
        (["optimizer.lr == 0.001"], [2]),
        (["train.type == t"], [2, 1, 0]),
        (["train.type > 3"], []),
        (["status != failed"], [2, 0]),
        (["experiment_name = second", "score >= 0.9"], [1]),
    ],
)
def test_conditions(history, sweep, conditions, places):
    given = [parse_condition(text) for text in conditions]
    assert listed(history, sweep, conditions=given) == places


def test_a_run_without_the_value_is_not_listed_and_sorted_last(history, sweep):
    fresh = history.add(history.train(type="t"), started=9000.0).id
    every = [*sweep, fresh]
    assert listed(history, every, conditions=[parse_condition("score != 3")]) == [2, 1, 0]
    for sort in ("score", "-score"):
        assert listed(history, every, sort=sort)[-1] == 3


def test_what_is_no_number_is_sorted_last(history):
    ids = [history.add(history.score(value)).id for value in (float("nan"), 1.0, 2.0)]
    assert listed(history, ids, sort="-score") == [2, 1, 0]
    assert listed(history, ids, sort="score") == [1, 2, 0]


def test_names_that_no_run_has_are_errors(history, sweep):
    for wanted in ({"sort": "los"}, {"conditions": [parse_condition("los > 1")]}):
        with pytest.raises(RequestError, match="no setting or metric 'los'"):
            list_runs(history.store, Filter(**wanted))


def test_an_ambiguous_name_lists_what_it_may_mean(history, sweep):
    with pytest.raises(RequestError, match=r"train\.extra_configs\.lr\n.*optimizer\.lr"):
        list_runs(history.store, Filter(sort="lr"))


@pytest.mark.parametrize(
    ("text", "ago"), [("90s", 90), ("3m", 180), ("2h", 7200), ("2d", 172_800), ("1w", 604_800)]
)
def test_since_a_time_ago(text, ago):
    assert parse_since(text) == pytest.approx(time.time() - ago, abs=5)


def test_since_a_date():
    assert parse_since("2026-11-22") == datetime(2026, 11, 22).timestamp()  # noqa: DTZ001 (local)
    assert parse_since("2026-11-22T12:00:00+00:00") == 1795348800


@pytest.mark.parametrize("text", ["yesterday", "2y", "-1d", "", "9999999d", "0001-01-01x"])
def test_since_nothing_that_can_be_read(text):
    with pytest.raises(RequestError, match="write 90m, 12h, 2d or 1w"):
        parse_since(text)


# -- columns ---------------------------------------------------------------------------------------


def test_what_differs_stands_beside_the_runs(history, sweep):
    found = list_runs(history.store, Filter())
    # train.lr and train.optimizer.lr differ in the same way: one of them is enough.
    assert differing(found) == ["train.extra_configs.lr", "eval.score"]
    header, _, *rows = runs_table(found).splitlines()
    assert header.split()[-2:] == ["extra_configs.lr", "score"]
    assert [row.split()[-2:] for row in rows] == [["1e-3", "0.7"], ["0.01", "0.9"], ["0.1", "0.5"]]


def test_nothing_differs_in_one_run(history, sweep):
    assert differing(list_runs(history.store, Filter(limit=1))) == []


def test_at_most_eight_columns_settings_and_scores_first(history):
    for i in range(3):
        settings = {f"s{k}": 10 * k + i for k in range(20)}
        metrics = {f"m{k}": float(100 * k + i * i) for k in range(20)}
        history.add(
            history.train(**settings) | {"metrics": {"train_loss": -float(i), "seconds": i / 7}},
            {**history.score(i / 3), "metrics": {**metrics, "score": i / 3}},
        )
    found = list_runs(history.store, Filter())
    assert differing(found) == [
        *(f"train.extra_configs.s{k}" for k in range(4)),
        *("eval.score", "train.train_loss", "eval.m0", "eval.m1"),
    ]
    assert len(differing(found, None)) == 20 + 23


def test_the_name_of_a_job_does_not_make_its_metrics_secondary(history):
    for value in (0.5, 0.6):
        metrics = {"score": value, "refined.min.new": value, "score_stderr": value * 2}
        history.add({**history.score(value, "eval_refined"), "metrics": metrics})
    assert differing(list_runs(history.store, Filter())) == ["eval_refined.score"]


def test_jobs_that_a_failed_run_did_not_reach_do_not_differ(history):
    history.add(history.train(lr=1), history.score(0.5, settings={"extra_configs": {"a": 1}}))
    history.add(history.train(lr=1, more=2), {"meta_name": "eval", "status": "failed"})
    found = list_runs(history.store, Filter())
    assert differing(found) == ["train.extra_configs.more", "eval.score"]


def test_what_follows_from_results_stands_behind_what_was_set(history):
    for i in range(2):
        entry = {"meta_name": "train", "input": {"extra_configs.data": "-1.recipe"}}
        history.add(
            history.train(data={"min_len": i}, lr=(i + 1) / 10),
            settings={"execution_job_configs": [entry]},
        )
    found = list_runs(history.store, Filter())
    assert found[0].handed_on == {"train.extra_configs.data.min_len"}
    names = ["train.extra_configs.lr", "train.extra_configs.data.min_len"]
    assert differing(found, None) == names
    assert differing(found) == names[:1]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (200, ["run", "experiment", "status", "started", "time", "extra_configs.lr", "score"]),
        (80, ["run", "experiment", "status", "time", "extra_configs.lr", "score"]),
        (60, ["run", "experiment", "status", "time", "score"]),
        (50, ["run", "experiment", "status", "time"]),
    ],
)
def test_columns_that_do_not_fit_are_left_out(history, sweep, monkeypatch, width, columns):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True, raising=False)
    text = runs_table(list_runs(history.store, Filter()))
    assert text.splitlines()[0].split() == columns
    assert ("1 more column differs: --columns" in text) == (width == 60)
    assert ("2 more columns differ: --columns" in text) == (width == 50)
    assert max(map(len, text.splitlines()[:5])) <= width


def test_one_experiment_needs_no_column_where_there_is_no_place(history, monkeypatch):
    for value in (0.1, 0.2):
        history.add(history.score(value), names=("a long project", "an experiment"))
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True, raising=False)
    header = runs_table(list_runs(history.store, Filter())).splitlines()[0]
    assert header.split() == ["run", "status", "time", "score"]


def test_columns_that_are_asked_for(history, sweep):
    found = list_runs(history.store, Filter())
    header, _, first, *_ = runs_table(found, ["seed", "started", "score"]).splitlines()
    assert header.split()[-3:] == ["seed", "started", "score"]
    assert first.split()[-1] == "0.7"
    (row, *_) = runs_json(found, ["seed"])
    assert row["train.extra_configs.seed"] == 1


def test_long_values_are_cut(history):
    for i in range(2):
        history.add(history.train(text=f"{i}" + "x" * 500))
    lines = runs_table(list_runs(history.store, Filter())).splitlines()
    assert max(map(len, lines)) < 150


# -- for scripts -----------------------------------------------------------------------------------


def test_all_that_runs_have_for_scripts(history, sweep):
    history.add(history.score(float("inf")), started=9000.0)
    first, second, *_ = json.loads(json_text(runs_json(list_runs(history.store, Filter()))))
    assert first["metrics"] == {"eval.score": None}
    assert (second["experiment_name"], second["started"]) == ("second", 3000.0)
    assert second["settings"]["train.extra_configs.optimizer.lr"] == "1e-3"


def test_all_that_differs_for_spreadsheets(history, sweep):
    headers, rows = runs_rows(list_runs(history.store, Filter()))
    names = ["train.extra_configs.lr", "train.extra_configs.optimizer.lr", "eval.score"]
    assert headers[-3:] == names
    assert [row[-1] for row in rows] == [0.7, 0.9, 0.5]
    assert rows[0][headers.index("started")].startswith("1970-01-01 ")
    assert runs_rows([]) == ([], [])


# -- sweeps and scripts ----------------------------------------------------------------------------


@pytest.fixture
def of_sweeps(history):
    """Three runs: of none, of one and of another sweep."""
    sweeps = [
        history.store.add_sweep(name=name, project_name="p", config={}).id
        for name in ("rates of a", "sizes")
    ]
    return [history.add(sweep=one).id for one in (None, *sweeps)], sweeps


@pytest.mark.parametrize(
    ("wanted", "places"),
    [("rates of a", [1]), ("rates*", [1]), ("*", [2, 1]), ("rates", []), ("RATES*", [])],
)
def test_runs_of_a_sweep(history, of_sweeps, wanted, places):
    assert listed(history, of_sweeps[0], sweep=wanted) == places


def test_runs_of_a_sweep_by_its_id(history, of_sweeps):
    runs, sweeps = of_sweeps
    assert listed(history, runs, sweep=sweeps[1]) == [2]


def test_a_sweep_has_a_column_where_there_is_one(history, of_sweeps):
    found = list_runs(history.store, Filter())
    header, _, *rows = runs_table(found).splitlines()
    assert header.split()[:3] == ["run", "sweep", "experiment"]
    assert ["sizes" in row for row in rows] == [True, False, False]
    assert [one["sweep"] for one in runs_json(found)] == ["sizes", "rates of a", None]
    assert "sweep" not in runs_table(found[2:])
    assert [one.run.id for one in list_runs(history.store, Filter(sort="-sweep"))] == [
        of_sweeps[0][i] for i in (2, 1, 0)
    ]


def test_settings_of_scripts_are_columns(history):
    for lr in (0.1, 0.2):
        history.add(settings={"project_name": "p", "train.lr": lr, "train.deep": {"a": [1, 2]}})
    found = list_runs(history.store, Filter(conditions=[parse_condition("lr > 0.15")]))
    assert [dict(one.settings) for one in found] == [{"train.lr": 0.2, "train.deep.a": [1, 2]}]
    assert differing(list_runs(history.store, Filter())) == ["train.lr"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_wide_characters_take_their_room(history, monkeypatch, width):
    for value in (0.1, 0.2):
        train = history.train(note="过滤器" * 30, other=f"数据 {value}")
        history.add(train, history.score(value), names=("数据配方" * 9, f"实验 {value}" * 9))
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True, raising=False)
    text = runs_table(list_runs(history.store, Filter()))
    assert max(map(cell_len, text.splitlines())) <= width
