"""A database of an older format, as the code of then made it, becomes one of today in place."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from djsb.query.funnel import Funnel, read_funnel
from djsb.store import database
from djsb.store.database import NAME, VERSION, open_database
from djsb.store.store import Store
from djsb_core.discovery import list_components, load_component
from djsb_core.errors import RequestError
from djsb_core.interfaces.kinds import Kind
from djsb_core.job.reports import Point

FORMAT_2 = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    project_name TEXT NOT NULL,
    experiment_name TEXT NOT NULL,
    experiment TEXT NOT NULL,
    settings TEXT NOT NULL,
    folder TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    started REAL NOT NULL,
    seconds REAL,
    pid INTEGER NOT NULL
);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    pipeline TEXT NOT NULL,
    iteration INTEGER NOT NULL,
    stage TEXT NOT NULL,
    position INTEGER NOT NULL,
    meta_name TEXT NOT NULL,
    hook TEXT NOT NULL,
    component TEXT,
    package TEXT,
    status TEXT NOT NULL,
    fingerprint TEXT,
    source_run TEXT,
    folder TEXT NOT NULL,
    files TEXT,
    exports TEXT,
    settings TEXT,
    outputs TEXT,
    directions TEXT,
    error TEXT,
    started REAL NOT NULL,
    seconds REAL
);
CREATE INDEX jobs_of_run ON jobs (run_id, iteration, position);
CREATE TABLE metrics (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    step INTEGER,
    value,
    seconds REAL NOT NULL
);
CREATE INDEX metrics_of_job ON metrics (job_id, name);
CREATE TABLE artifacts (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    step INTEGER,
    path TEXT NOT NULL
);
CREATE INDEX artifacts_of_job ON artifacts (job_id, kind, name);
CREATE TABLE targets (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    iteration INTEGER NOT NULL,
    target TEXT NOT NULL,
    value,
    met INTEGER NOT NULL,
    PRIMARY KEY (run_id, iteration, target)
);
"""
TO_FORMAT_3 = """
CREATE TABLE sweeps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    project_name TEXT NOT NULL,
    config TEXT NOT NULL,
    created REAL NOT NULL
);
ALTER TABLE runs ADD COLUMN sweep TEXT REFERENCES sweeps (id);
ALTER TABLE jobs ADD COLUMN environment TEXT;
"""
RUN = ("r1", "p", "e", "sandbox.yaml", '{"a": 1}', "/w/runs/r1", "finished", None, 1.5, 2.5, 7)
JOB = ("r1", "anonymous", 1, "execution", 0, "train", "H", "finished", "/w/runs/r1/01", 1.5)
JOB_COLUMNS = (
    "run_id", "pipeline", "iteration", "stage", "position", "meta_name", "hook", "status",
    "folder", "started",
)  # fmt: skip
INSERT_JOB = (
    "INSERT INTO jobs (run_id, pipeline, iteration, stage, position, meta_name, hook, status, "
    "folder, started) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
OPEN = """
import sys
from pathlib import Path
from djsb.store.store import Store
sys.stdin.readline()
for i in range(10):
    store = Store(Path(sys.argv[1]) / str(i), create=False)
    run = store.add_run(names=("p", "e"), experiment=Path("x"), settings={})
    assert store.run("r1").sweep is None
"""


@pytest.fixture
def old(tmp_path):
    """Return a function that makes a work_dir of format 2, with one run."""

    def make(name="w"):
        work_dir = tmp_path / name
        (work_dir / "runs").mkdir(parents=True)
        with closing(sqlite3.connect(work_dir / NAME)) as connection, connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(FORMAT_2)
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", RUN)
            connection.execute(INSERT_JOB, JOB)
            connection.execute("INSERT INTO metrics VALUES (1, 'loss', 3, 0.5, 0.25)")
            connection.execute("PRAGMA user_version=2")
        return work_dir

    return make


def columns(work_dir):
    """Return the columns of each table, and the format."""
    with closing(sqlite3.connect(work_dir / NAME)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = {
            name: [row[1:4] for row in connection.execute(f"PRAGMA table_info({name})")]
            for (name,) in tables.fetchall()
        }
        return found, connection.execute("PRAGMA user_version").fetchone()[0]


def test_all_that_was_recorded_is_there(old):
    work_dir = old()
    with closing(Store(work_dir, create=False)) as store:
        run = store.run("r1")
        assert (run.experiment_name, run.settings, run.seconds, run.pid) == ("e", {"a": 1}, 2.5, 7)
        assert (run.sweep, run.sweep_name, run.experiment_file) == (None, None, "sandbox.yaml")
        (job,) = store.jobs("r1")
        assert store.points(job.id) == [Point("loss", 0.5, 3, 0.25)]
        sweep = store.add_sweep(name="s", project_name="p", config={"method": "grid"})
        added = store.add_run(names=("p", "e"), experiment=Path("x"), settings={}, sweep=sweep.id)
        assert (added.sweep, added.sweep_name) == (sweep.id, "s")
        assert [one.id for one in store.runs()] == [added.id, "r1"]


@pytest.fixture
def old_jobs(old):
    """Return a function that makes a work_dir of format 3; jobs are hooks and directions."""

    def make(*jobs):
        work_dir = old("three")
        with closing(sqlite3.connect(work_dir / NAME)) as connection, connection:
            connection.executescript(TO_FORMAT_3)
            connection.execute("DELETE FROM jobs")
            for hook, directions in jobs:
                values = {**dict(zip(JOB_COLUMNS, JOB, strict=True)), "hook": hook}
                connection.execute(INSERT_JOB, tuple(values.values()))
                connection.execute(
                    "UPDATE jobs SET directions = ? WHERE id = last_insert_rowid()",
                    (None if directions is None else json.dumps(directions),),
                )
            connection.execute("PRAGMA user_version=3")
        with closing(Store(work_dir, create=False)) as store:
            return store.jobs("r1")

    return make


def test_old_jobs_get_the_roles_of_their_hooks(old_jobs):
    hooks = [info.name for info in list_components("djsb.hooks") if info.package == "djsb-core"]
    assert hooks
    roles = [load_component(Kind.HOOK, name).role for name in hooks]
    jobs = old_jobs(*((name, None) for name in hooks), ("OtherHook", None))
    assert [job.role for job in jobs] == [*roles, None]


def test_old_jobs_keep_their_directions(old_jobs):
    (job,) = old_jobs(("EvaluateModelHook", {"loss": False, "accuracy": True}))
    names = ("loss", "accuracy", "loss_stderr", "documents")
    assert [job.direction(name) for name in names] == [False, True, None, None]
    assert [job.is_shown(name) for name in names] == [True, True, False, True]


def test_old_jobs_are_shown_as_before(old_jobs):
    """What the tables of then knew by names: means, what a training saw, rows."""
    probe, train, process = old_jobs(
        ("ProbeViaAnalyzerHook", {}),
        ("TrainModelHook", {"final_loss": False}),
        ("ProcessDataHook", None),
    )
    assert [probe.is_shown(name) for name in ("len.mean", "len.std", "len.25%")] == [
        True,
        False,
        False,
    ]
    assert [train.is_primary(name) for name in ("tokens", "documents", "final_loss")] == [
        True,
        True,
        False,
    ]
    assert read_funnel(process, {"rows_in": 9, "rows_kept": 4, "after.f": 4}) == Funnel(
        "rows", 9, 4, [("f", 4)]
    )


def test_it_is_what_a_new_one_is(old, tmp_path):
    work_dir = old()
    for folder in (work_dir, tmp_path / "new"):
        open_database(folder).close()
    assert columns(work_dir) == columns(tmp_path / "new")
    assert columns(work_dir)[1] == VERSION == 4


def test_it_is_all_or_nothing(old, monkeypatch):
    work_dir = old()
    before = columns(work_dir)
    broken = {2: f"{database.MIGRATIONS[2]};\nALTER TABLE absent ADD COLUMN x"}
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    with pytest.raises(RequestError, match="no such table: absent"):
        open_database(work_dir)
    assert columns(work_dir) == before
    monkeypatch.undo()
    open_database(work_dir).close()
    assert columns(work_dir)[1] == VERSION


def test_processes_may_meet_it_at_once(old, tmp_path):
    for i in range(10):
        old(str(i))
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
    for i in range(10):
        with closing(Store(tmp_path / str(i), create=False)) as store:
            assert len(store.runs()) == 4


@pytest.mark.parametrize("other", [1, VERSION + 1])
def test_formats_that_cannot_be_read_are_left_alone(old, other):
    work_dir = old()
    with closing(sqlite3.connect(work_dir / NAME)) as connection:
        connection.execute(f"PRAGMA user_version={other}")
    before = columns(work_dir)
    with pytest.raises(RequestError, match=rf"another version of djsb \(format {other}, but this"):
        Store(work_dir, create=False)
    assert columns(work_dir) == before
