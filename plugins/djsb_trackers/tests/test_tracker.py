"""What a tracker makes of a run's moments, and when it does nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from djsb_core.api import ComponentConfig, JobId, JobInfo
from djsb_trackers import shown
from djsb_trackers import tracker as module
from djsb_trackers.messages import Artifact, End, Facts, Start, Value, decode, encode
from djsb_trackers.trackers import TrackioTracker, WandbTracker

from .conftest import same

LIBRARIES = ("wandb", "trackio", "mlflow", "tensorboard")


class Silent:
    """Takes the place of a relay."""

    def __init__(self, tracker, log_file):
        self.sent, self.closed = [], None
        Silent.last = self

    def send(self, message):
        self.sent.append(message)

    def close(self, deadline):
        self.closed = deadline


@pytest.fixture
def tracker(monkeypatch):
    """Return a tracker whose process does not exist."""
    monkeypatch.setattr(shown, "Relay", Silent)
    monkeypatch.setattr(module, "is_installed", lambda library: True)
    return TrackioTracker(ComponentConfig())


def start(tracker, run_id="r", **settings):
    tracker.djsb_run_started(run_id, settings, Path("w/runs/r"), settings.pop("group", None))
    return Silent.last


def job(run_id="r", pipeline="anonymous", iteration=1):
    which = JobId(pipeline, "execution", 0, "train", iteration)
    return JobInfo(run_id, which, "H", None, Path("folder"))


@pytest.mark.parametrize(
    ("settings", "pipeline", "prefix"),
    [
        ({}, "anonymous", ""),
        ({}, "before", "before/"),
        ({"max_iter_num": 3}, "anonymous", "iter_2/"),
        ({"max_iter_num": 0}, "train@seed=1", "iter_2/train@seed=1/"),
    ],
)
def test_names(tracker, settings, pipeline, prefix):
    relay = start(tracker, **settings)
    info = job(pipeline=pipeline, iteration=2)
    tracker.djsb_metric_logged(info, "train.loss.mean", 0.5, 3)
    tracker.djsb_artifact_logged(info, "train.sizes", "histogram", Path("h.json"), None)
    tracker.djsb_job_finished(info, 2.5, cached=True)
    value, artifact, facts = relay.sent[-3:]
    assert value[:4] == (f"{prefix}train", f"{prefix}train.loss.mean", 0.5, 3)
    assert artifact[:3] == (f"{prefix}train", f"{prefix}train.sizes", "histogram")
    assert artifact.path == str(Path("h.json").absolute())
    name = f"jobs/{prefix}train"
    assert facts == Facts({f"{name}.status": "cached", f"{name}.seconds": 2.5})


def test_start_and_end(tracker):
    relay = start(tracker, project_name="p", experiment_name="e", a_job={"api_key": "sk-12345678"})
    told = relay.sent[0]
    assert told[:3] == ("r", "p", "e")
    assert told.folder == str(Path("w/runs/r").absolute())
    assert told.settings["a_job"] == {"api_key": "***"}
    tracker.djsb_metric_logged(job(), "train.note", "it is sk-12345678", None)
    assert relay.sent[-1].value == "it is ***"
    tracker.djsb_job_failed(job(), KeyboardInterrupt(), 1.0)
    assert relay.sent[-1].facts["jobs/train.status"] == "interrupted"
    assert relay.closed is None
    tracker.djsb_run_failed("r", 1.0, ValueError())
    assert relay.sent[-2:] == [Facts({"run/status": "failed", "run/seconds": 1.0}), End("failed")]
    assert relay.closed is not None


def test_a_run_of_a_sweep(tracker):
    assert start(tracker).sent[0].group is None
    relay = start(tracker, group="rates")
    assert relay.sent[0].group == "rates"
    assert relay.sent[1].facts["run/sweep"] == "rates"


def test_runs_side_by_side(tracker):
    one, other = start(tracker, "one"), start(tracker, "other")
    tracker.djsb_metric_logged(job("one"), "train.loss", 1.0, 0)
    assert [len(relay.sent) for relay in (one, other)] == [3, 2]
    tracker.djsb_run_finished("other", 0.5)
    tracker.djsb_metric_logged(job("other"), "train.loss", 1.0, 0)
    assert other.sent[-1] == End("finished")
    assert one.closed is None


def test_a_tracker_that_is_switched_off(tracker, monkeypatch):
    Silent.last = None
    monkeypatch.setenv("WANDB_MODE", "disabled")
    tracker = WandbTracker(ComponentConfig())
    tracker.djsb_run_started("r", {}, Path("w"), None)
    tracker.djsb_job_started(job())
    tracker.djsb_metric_logged(job(), "train.loss", 1.0, 0)
    tracker.djsb_run_finished("r", 0.5)
    assert Silent.last is None


def test_a_tracker_that_is_not_installed(caplog, monkeypatch):
    monkeypatch.setattr(module, "is_installed", lambda library: False)
    TrackioTracker(ComponentConfig()).djsb_run_started("r", {}, Path("w"), None)
    (warning,) = (record.getMessage() for record in caplog.records)
    assert warning == "skipped trackio: it is not installed; pip install 'djsb-trackers[trackio]'"


@pytest.mark.parametrize(
    "message",
    [
        Start("r", "p", "e", "/w", {"a": [1, None]}),
        Start("r", "p", "e", "/w", {}, "a sweep"),
        Value("train", "train.loss", float("nan"), 2, 1.5),
        Value("train", "train.note", "two\nlines ü", None, 1.5),
        Artifact("train", "train.x", "image", "/x.png", None, 1.5),
        Facts({"run/status": "running"}),
        End("finished"),
    ],
)
def test_a_message_is_one_line(message):
    line = encode(message)
    assert line.count(b"\n") == 1
    again = decode(line)
    assert type(again) is type(message)
    assert same(list(again), list(message))


def test_nothing_is_imported_for_a_run_without_trackers(lab):
    lab.write(("train", {"points": [["loss", 0.5, 0]]}))
    code = f"""
import json, sys
sys.argv = ["djsb", "run", "sandbox.yaml", "--workers", "0"]
try:
    from djsb.cli import main
    main()
finally:
    print(json.dumps([name for name in {LIBRARIES} if name in sys.modules]
        + [name for name in sys.modules if name.startswith("djsb_trackers")]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == [], ran.stderr
    assert "WARNING" not in ran.stderr
