from pathlib import Path

import pytest

from djsb.query.select import base_of, is_place, seed_of, select_metrics, select_run, select_side
from djsb_core.errors import RequestError
from djsb_core.job.watcher import SCRIPT


@pytest.fixture
def runs(history):
    """Return the ids of three runs, the newest first."""
    return [history.add().id for i in range(3)][::-1]


@pytest.mark.parametrize(("text", "place"), [("last", 0), ("last~0", 0), ("last~2", 2)])
def test_the_last_runs(history, runs, text, place):
    assert select_run(history.store, text).id == runs[place]


def test_a_run_by_its_id_or_the_beginning_of_it(history, runs):
    first = runs[-1]  # the ids of the others go on from it: they began in the same second
    assert select_run(history.store, first).id == first
    assert select_run(history.store, f"{first}-3").id == f"{first}-3"
    history.store._write("UPDATE runs SET id = ? WHERE id = ?", ("abc-1", runs[0]))
    assert select_run(history.store, "a").id == "abc-1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("last~3", "no run 'last~3' in .*: there are only 3"),
        ("last~x", "no run 'last~x'"),
        ("2", "'2' is a prefix of 3 runs:\n  2"),
        ("", "no run ''"),
        ("x", "no run 'x' in .*; known: "),
    ],
)
def test_no_such_run(history, runs, text, message):
    with pytest.raises(RequestError, match=message):
        select_run(history.store, text)


def test_there_is_no_run(history):
    with pytest.raises(RequestError, match=r"no run 'last' in .*; known: none"):
        select_run(history.store, "last")


@pytest.fixture
def parts(history):
    history.add(
        history.score(1.0, pipeline="a"),
        history.score(2.0, pipeline="b@seed=1"),
        history.score(3.0, pipeline="b@seed=2"),
        history.score(4.0, "other", pipeline="b@seed=2"),
    )
    return history.store


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        ("last", [0, 1, 2, 3]),
        ("last:a", [0]),
        (":a", [0]),
        ("last:b", [1, 2, 3]),
        ("last:b@seed=2", [2, 3]),
        ("last:b.eval", [1, 2]),
        ("last:b@seed=2.eval", [2]),
        ("last:other", [3]),
    ],
)
def test_parts_of_a_run(parts, text, positions):
    side = select_side(parts, text)
    assert [job.position for job in side.jobs] == positions
    assert len(side.context) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("last:eval", "'eval' may mean, in run .*:\n  a.eval\n  b.eval$"),
        ("last:othr", "no pipeline or job 'othr' in run .*; did you mean 'other'?"),
        ("lst:a", "no run 'lst'"),
    ],
)
def test_no_such_part(parts, text, message):
    with pytest.raises(RequestError, match=message):
        select_side(parts, text)


def test_the_last_iteration_counts(history):
    history.add(*(history.score(float(i), iteration=i) for i in (1, 2, 3)))
    assert [job.iteration for job in select_side(history.store, "last").jobs] == [3]


def test_places_and_names_of_jobs_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train").mkdir()
    Path("w").mkdir()
    Path("w/djsb.sqlite").touch()
    Path("x.yaml").touch()
    found = [is_place(text) for text in ("train", "missing", "w", "./train", "x.yaml", ".")]
    assert found == [False, False, True, True, True, True]


# -- metrics by their dotted names -----------------------------------------------------------------


@pytest.fixture
def measured(history):
    jobs = [
        {"meta_name": "train", "metrics": {"loss": 1.0, "eval.f1": 2.0}},
        {"meta_name": "script", "hook": SCRIPT, "metrics": {"loss": 3.0, "train.x": 4.0}},
        {"meta_name": "empty"},
    ]
    return history.add(*jobs)


@pytest.mark.parametrize(
    ("name", "job", "metric"),
    [
        ("train", "train", ""),
        ("train.loss", "train", "loss"),
        ("train.eval", "train", "eval"),
        ("train.eval.f1", "train", "eval.f1"),
        ("anonymous.train.loss", None, None),
        ("loss", "script", "loss"),
        ("script.loss", "script", "loss"),
        ("script", "script", ""),
        ("train.x", "script", "train.x"),
        ("train.lo", None, None),
        ("eval.f1", None, None),
        ("empty", None, None),
    ],
)
def test_a_metric_by_its_name(history, measured, name, job, metric):
    if job is None:
        with pytest.raises(RequestError, match=f"nothing in run {measured.id} is '{name}'; "):
            select_metrics(history.store, measured, name)
        return
    found, rest = select_metrics(history.store, measured, name)
    assert (found.meta_name, rest) == (job, metric)


def test_a_metric_of_one_of_several_pipelines(history):
    run = history.add(
        *({"meta_name": "eval", "pipeline": name, "metrics": {"f1": 1.0}} for name in "ab"),
        {"meta_name": "only", "pipeline": "a", "metrics": {"f1": 1.0}},
    )
    assert select_metrics(history.store, run, "b.eval.f1")[0].pipeline == "b"
    assert select_metrics(history.store, run, "only.f1")[0].meta_name == "only"
    with pytest.raises(RequestError, match=r"'eval' may mean, in run .*:\n  a\.eval\n  b\.eval$"):
        select_metrics(history.store, run, "eval")


@pytest.mark.parametrize(
    ("pipeline", "base", "seed"),
    [
        ("p", "p", ""),
        ("p@seed=7", "p", "7"),
        ("p@seed=-7", "p", "-7"),
        ("p@seed=x", "p@seed=x", ""),
    ],
)
def test_the_seed_of_a_pipeline(pipeline, base, seed):
    assert (base_of(pipeline), seed_of(pipeline)) == (base, seed)
