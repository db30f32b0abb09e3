"""What is in the SQLite file that the real library wrote."""

import json
import math
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from djsb import SandboxWatcher

from .conftest import MIXED, same

pytest.importorskip("trackio", reason="trackio is not installed: it wants pillow<13")

WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def read():
    """Return the rows of the only project, as (run, step, metrics)."""
    (path,) = Path(os.environ["TRACKIO_DIR"]).glob("*.db")
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT run_name, step, metrics FROM metrics ORDER BY id")
        return [(name, step, json.loads(metrics)) for name, step, metrics in rows]


def plain(value):
    return WORDS.get(value, value) if isinstance(value, str) else value


def test_every_metric_is_there(two_pipelines):
    run = two_pipelines.run("trackio")
    assert not (run.folder / "trackio.log").read_text().count("Warning")
    rows = read()
    assert {name for name, _, _ in rows} == {f"an experiment-{run.id}"}
    found = {}
    for _, step, metrics in rows:
        for name, value in metrics.items():
            found.setdefault(name, []).append((step, plain(value)))
    series, results = two_pipelines.stored(run)
    for name, values in series.items():
        assert same(found[name], values), name
    for name, value in results.items():
        assert same(found[name][-1], (0, value)), name
    assert found["run/status"][-1] == (0, "finished")


def test_settings_and_files(lab, image):
    lab.write(
        ("look", {**MIXED, "histogram": [1, 2, 2], "media": [str(image)], "api_key": "sk-1234567"})
    )
    lab.run("trackio")
    shown = {name: value for _, _, metrics in read() for name, value in metrics.items()}
    assert shown["look.spread"]["_type"] == "trackio.histogram"
    assert shown["look.shown"]["_type"] == "trackio.image"
    everything = b"".join(
        path.read_bytes() for path in Path(os.environ["TRACKIO_DIR"]).rglob("*") if path.is_file()
    )
    assert b"sk-1234567" not in everything


def test_the_sweep_is_a_group(lab):
    lab.write(("train", MIXED))
    lab.run("trackio", sweep=lab.sweep("rates"))
    (path,) = Path(os.environ["TRACKIO_DIR"]).glob("*.db")
    with closing(sqlite3.connect(path)) as database:
        ((config,),) = database.execute("SELECT config FROM configs")
    assert json.loads(config)["_Group"] == "rates"


def test_settings_that_a_script_gives_late(monkeypatch):
    monkeypatch.setenv("DJSB_TRACKERS", "trackio")
    with SandboxWatcher("w", "a project", "own") as watcher:
        watcher.watch(0.5, "train.loss")
        watcher.watch_cfgs([({"lr": 0.2, "late": [1, 2]}, "train")])
    shown = {name: value for _, _, metrics in read() for name, value in metrics.items()}
    assert (shown["train.lr"], shown["train.late"]) == (0.2, "[1, 2]")
