import json
import math
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from djsb.store.database import NAME, VERSION, open_database
from djsb.store.environment import EXPERIMENT
from djsb.store.records import TargetRecord, to_json
from djsb.store.store import Store
from djsb_core.errors import RequestError
from djsb_core.interfaces.hook import Role
from djsb_core.job.reports import Artifact, ArtifactKind, Point, plain
from djsb_core.metrics import (
    Declarations,
    Flow,
    Metric,
    MetricKind,
    SampleLayout,
)

OPEN = """
import sys
from pathlib import Path
from djsb.store.store import Store
sys.stdin.readline()
for i in range(5):
    store = Store(Path(sys.argv[1]) / str(i))
    for _ in range(5):
        run = store.add_run(names=("p", "e"), experiment=Path("x"), settings={})
        store.add_job(run.id, pipeline="a", iteration=1, stage="s", position=0, meta_name="m",
                      hook="h", folder=run.folder)
"""


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "work")
    yield store
    store.close()


@pytest.fixture
def add_run(store):
    def add(**settings):
        return store.add_run(names=("p", "e"), experiment=Path("x.yaml"), settings=settings)

    return add


@pytest.fixture
def add_job(store, add_run):
    def add(run=None, **values):
        defaults = {"pipeline": "anonymous", "iteration": 1, "stage": "probe", "position": 0}
        more = {"meta_name": "m", "hook": "H", "folder": store.work_dir, **values}
        return store.add_job((run or add_run()).id, **defaults, **more)

    return add


# -- runs ------------------------------------------------------------------------------------------


def test_a_run_is_kept(store, add_run):
    run = add_run(lr=3e-4, nested={"a": [1, None]})
    assert run.folder.is_dir()
    assert run.folder.name == run.id
    assert (run.status, run.seconds) == ("running", None)
    store.end_run(run.id, "finished", 1.5)
    again = Store(store.work_dir, create=False).run(run.id)
    assert (again.status, again.seconds) == ("finished", 1.5)
    assert again.settings == {"lr": 3e-4, "nested": {"a": [1, None]}}


def test_runs_in_one_second_are_different(add_run):
    runs = [add_run() for _ in range(5)]
    assert len({run.id for run in runs}) == len({run.folder for run in runs}) == 5


def test_a_run_whose_folder_is_gone_keeps_its_id(add_run):
    first = add_run()
    shutil.rmtree(first.folder)
    assert add_run().id != first.id


def test_the_newest_run_is_the_last(store, add_run):
    runs = [add_run() for _ in range(3)]
    assert store.run("last") == runs[-1]
    assert [run.id for run in store.runs()] == [run.id for run in reversed(runs)]


def test_an_unknown_run_suggests_the_nearest(store, add_run):
    with pytest.raises(RequestError, match=r"no run 'last' in .*; known: none"):
        store.run("last")
    run = add_run()
    with pytest.raises(RequestError, match=f"no run '{run.id}x' in .*; did you mean '{run.id}'"):
        store.run(f"{run.id}x")


def test_settings_that_are_known_later(store, add_run):
    run = add_run(lr=0.1)
    store.change_settings(run.id, {"lr": 0.2, "path": Path("/x")})
    assert store.run(run.id).settings == {"lr": 0.2, "path": "/x"}
    assert json.loads((run.folder / EXPERIMENT).read_text()) == {"lr": 0.2, "path": "/x"}


def test_the_experiment_is_kept_whole_and_shown_short(store, add_run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run = add_run()
    assert run.experiment_file == str(tmp_path / "x.yaml")
    assert run.experiment == "x.yaml"
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")
    assert run.experiment == run.experiment_file


# -- sweeps ----------------------------------------------------------------------------------------


def test_a_sweep_is_kept(store, add_run):
    config = {"method": "grid", "parameters": {"lr": {"values": [0.1, 1]}}}
    sweep = store.add_sweep(name="rates", project_name="p", config=config)
    again = Store(store.work_dir, create=False).sweep(sweep.id)
    assert again == sweep
    assert (again.name, again.project_name, again.config) == ("rates", "p", config)
    run = store.add_run(names=("p", "e"), experiment=Path("x"), settings={}, sweep=sweep.id)
    assert (run.sweep, run.sweep_name) == (sweep.id, "rates")
    assert add_run().sweep is None


def test_a_sweep_without_a_name_has_its_id(store):
    sweep = store.add_sweep(name=None, project_name="p", config={})
    assert sweep.name == sweep.id


def test_a_run_belongs_to_a_sweep_that_is_there(store):
    with pytest.raises(sqlite3.IntegrityError):
        store.add_run(names=("p", "e"), experiment=Path("x"), settings={}, sweep="none")
    sweep = store.add_sweep(name="rates", project_name="p", config={})
    with pytest.raises(RequestError, match=f"no sweep 'x' in .*; known: {sweep.id}"):
        store.sweep("x")


# -- jobs ------------------------------------------------------------------------------------------


def test_a_job_is_kept(store, add_run, add_job):
    run = add_run()
    job = add_job(run)
    outputs = {"path": Path("/a/b"), "score": 0.0, "list": [1, {"x": None}], "nan": math.nan}
    store.update_job(job, status="finished", outputs=outputs, source_run="r", seconds=2.0)
    (record,) = store.jobs(run.id)
    assert record.outputs["path"] == "/a/b"
    assert record.outputs["score"] == 0.0
    assert record.outputs["list"] == [1, {"x": None}]
    assert math.isnan(record.outputs["nan"])
    assert (record.source_run, record.files, record.exports) == ("r", None, {})
    assert (record.settings, record.role, record.error) == ({}, None, None)
    assert record.declarations == Declarations()


def test_a_job_says_what_its_metrics_are(store, add_run, add_job):
    run = add_run()
    loss = Metric("loss", "nats", higher_is_better=False, primary=True)
    shares = Metric("share.*", kind=MetricKind.COUNT, flow=Flow.STEP)
    error = Metric("loss_stderr", kind=MetricKind.ERROR, error_of="loss")
    layout = SampleLayout("dj_configs.data", added=("_",))
    declared = Declarations((loss, shares, error), layout)
    job = add_job(run)
    store.update_job(job, role="evaluate", declarations=declared.to_json())
    (record,) = store.jobs(run.id)
    assert (record.role, record.declarations) == (Role.EVALUATE, declared)
    assert record.declared("loss") == loss
    assert record.declared("share.a") == shares
    assert record.declared("other") == Metric("other")
    assert (record.direction("loss"), record.direction("share.a")) == (False, None)
    assert (record.is_primary("loss"), record.is_primary("other")) == (True, False)
    names = ("loss", "share.a", "loss_stderr", "other")
    assert [record.is_shown(name) for name in names] == [True, True, False, True]
    assert [record.is_detail(name) for name in names] == [False, False, True, False]


@pytest.mark.parametrize("role", list(Role))
def test_jobs_that_see_other_data_judge_nothing(store, add_run, add_job, role):
    run = add_run()
    declared = Declarations((Metric("loss", higher_is_better=False),))
    job = add_job(run)
    store.update_job(job, role=role.value, declarations=declared.to_json())
    (record,) = store.jobs(run.id)
    judges = role in (Role.PROBE, Role.EVALUATE)
    assert record.direction("loss") is (False if judges else None)


def test_a_job_says_where_its_results_are_named(store, add_run, add_job):
    run = add_run()
    job = add_job(run)
    outputs = {
        "path": "/cache/kept.jsonl",
        "list": [{"in": "/cache/model/x"}],
        "else": "/cache/a/b",
    }
    exports = {"/cache/kept.jsonl": "/out/kept.jsonl", "/cache/model": "/out/model"}
    store.update_job(job, outputs=outputs, exports=exports, files=Path("/cache"))
    (record,) = store.jobs(run.id)
    assert record.outputs == outputs
    assert record.named_outputs == {
        "path": "/out/kept.jsonl",
        "list": [{"in": "/out/model/x"}],
        "else": str(record.folder / "files/a/b"),
    }
    assert record.files == Path("/cache")


def test_the_last_result_at_a_place_is_found(store, add_run, add_job):
    for made in ("/cache/1", "/cache/2"):
        store.update_job(add_job(add_run()), exports={made: "/out/a_%_1"})
    assert store.last_export(Path("/out/a_%_1")) == Path("/cache/2")
    assert store.last_export(Path("/out/a")) is None
    assert store.last_export(Path("/out/a_x_1")) is None


def test_targets_are_kept_by_iteration(store, add_run):
    run = add_run()
    kept = [
        TargetRecord(1, "a.b.c >= 1", 0.5, met=False),
        TargetRecord(2, "a.b.c >= 1", math.inf, met=True),
    ]
    for one in kept:
        store.add_targets(run.id, [one])
    assert store.targets(run.id) == kept
    assert store.targets("other") == []


def test_what_a_failed_attempt_recorded_is_forgotten(store, add_job, tmp_path):
    jobs = [add_job(), add_job()]
    for job in jobs:
        store.add_points(job, [Point("loss", 1.0, 0, 0.0)])
        store.add_artifact(job, Artifact("loss", ArtifactKind.SAMPLES, None, tmp_path))
    store.forget_metrics(jobs[0])
    assert (store.points(jobs[0]), store.artifacts(jobs[0])) == ([], [])
    assert len(store.points(jobs[1])) == len(store.artifacts(jobs[1])) == 1


def test_names_are_data_not_sql(store, add_run, add_job):
    run = add_run()
    evil = "'); DROP TABLE runs; --"
    job = add_job(run, meta_name=evil)
    store.add_points(job, [Point(evil, 1.0, None, 0.0)])
    assert store.jobs(run.id)[0].meta_name == evil
    assert store.points(job, evil)[0].value == 1.0


# -- metrics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -1.5,
        1e300,
        5e-324,
        math.inf,
        -math.inf,
        "text",
        "",
        "float:",
        "float:abc",
        "nan",
        "1.0",
    ],
)
def test_values_of_metrics_come_back(store, add_job, value):
    job = add_job()
    store.add_points(job, [Point("m", value, 3, 0.5)])
    assert store.points(job) == [Point("m", value, 3, 0.5)]


def test_nan_comes_back(store, add_job):
    job = add_job()
    store.add_points(job, [Point("m", math.nan, None, 0.0)])
    assert math.isnan(store.metrics(job)["m"])


def test_series_keep_their_order_and_the_last_value_counts(store, add_job):
    job = add_job()
    for step in (3, 1, 2):
        store.add_points(job, [Point("loss", float(step), step, 0.0), Point("lr", 0.1, step, 0.0)])
    assert [point.step for point in store.points(job, "loss")] == [3, 1, 2]
    assert store.metrics(job) == {"loss": 2.0, "lr": 0.1}


# -- the database file -----------------------------------------------------------------------------


def test_no_store_is_one_message_and_makes_none(tmp_path):
    with pytest.raises(RequestError, match=f"no runs in {tmp_path}/none: there is no {NAME}"):
        Store(tmp_path / "none", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("other", [VERSION + 1, 99, -1])
def test_another_format_is_refused_by_name(tmp_path, other):
    open_database(tmp_path).close()
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute(f"PRAGMA user_version={other}")
    connection.close()
    with pytest.raises(
        RequestError, match=rf"another version of djsb \(format {other}, but this one reads"
    ):
        open_database(tmp_path)


def test_a_file_that_is_no_database_is_one_message(tmp_path):
    (tmp_path / NAME).write_text("not a database, but long enough to be looked at " * 50)
    with pytest.raises(RequestError, match=f"cannot use {tmp_path}/{NAME}: "):
        open_database(tmp_path)


def test_a_work_dir_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot use "):
        Store(tmp_path / "file" / "work")


def test_a_run_folder_that_cannot_be_made_is_one_message(store, add_run):
    (store.work_dir / "runs").write_text("")
    with pytest.raises(RequestError, match="cannot create a folder in "):
        add_run()
    assert store.runs() == []


def test_two_processes_may_open_a_new_store_at_once(tmp_path):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, tmp_path],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == ["", "", ""]
    for i in range(5):
        runs = Store(tmp_path / str(i), create=False).runs()
        assert len({run.id for run in runs}) == 15


# -- values as JSON --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Path("/a"), '"/a"'),
        ({1: (Path("b"), {2})}, '{"1": ["b", [2]]}'),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.bool_(True), "true"),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]"),
        ({"a": np.array([0.5])}, '{"a": [0.5]}'),
        (np.array(["x"]), '["x"]'),
        (np.float64, "\"<class 'numpy.float64'>\""),
        ("é中", '"é中"'),
        (b"bytes", "\"b'bytes'\""),
    ],
)
def test_values_become_json(value, text):
    assert to_json(value) == text


@pytest.mark.parametrize("value", [None, True, 0, 2.5, "x", [], {}, {"a": [1, {"b": None}]}])
def test_plain_values_stay(value):
    assert plain(value) == value
