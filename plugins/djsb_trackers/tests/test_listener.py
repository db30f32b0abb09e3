"""What a listener makes of a run's moments, and when it does nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from djsb_core.api import JobId, JobInfo
from djsb_trackers import choice, shown
from djsb_trackers.listener import TrackerListener
from djsb_trackers.messages import Artifact, End, Facts, Start, Value, decode, encode

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
def listener(monkeypatch):
    """Return a listener whose process does not exist."""
    monkeypatch.setattr(shown, "Relay", Silent)
    monkeypatch.setattr(choice, "is_installed", lambda library: True)
    return TrackerListener("trackio")


def start(listener, run_id="r", **settings):
    settings = {"trackers": ["trackio"], **settings}
    listener.djsb_run_started(run_id, settings, Path("w/runs/r"), settings.pop("group", None))
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
def test_names(listener, settings, pipeline, prefix):
    relay = start(listener, **settings)
    info = job(pipeline=pipeline, iteration=2)
    listener.djsb_metric_logged(info, "train.loss.mean", 0.5, 3)
    listener.djsb_artifact_logged(info, "train.sizes", "histogram", Path("h.json"), None)
    listener.djsb_job_finished(info, 2.5, cached=True)
    value, artifact, facts = relay.sent[-3:]
    assert value[:4] == (f"{prefix}train", f"{prefix}train.loss.mean", 0.5, 3)
    assert artifact[:3] == (f"{prefix}train", f"{prefix}train.sizes", "histogram")
    assert artifact.path == str(Path("h.json").absolute())
    name = f"jobs/{prefix}train"
    assert facts == Facts({f"{name}.status": "cached", f"{name}.seconds": 2.5})


def test_start_and_end(listener):
    relay = start(listener, project_name="p", experiment_name="e", a_job={"api_key": "sk-12345678"})
    told = relay.sent[0]
    assert told[:3] == ("r", "p", "e")
    assert told.folder == str(Path("w/runs/r").absolute())
    assert told.settings["a_job"] == {"api_key": "***"}
    listener.djsb_metric_logged(job(), "train.note", "it is sk-12345678", None)
    assert relay.sent[-1].value == "it is ***"
    listener.djsb_job_failed(job(), KeyboardInterrupt(), 1.0)
    assert relay.sent[-1].facts["jobs/train.status"] == "interrupted"
    assert relay.closed is None
    listener.djsb_run_failed("r", 1.0, ValueError())
    assert relay.sent[-2:] == [Facts({"run/status": "failed", "run/seconds": 1.0}), End("failed")]
    assert relay.closed is not None


def test_a_run_of_a_sweep(listener):
    assert start(listener).sent[0].group is None
    relay = start(listener, group="rates")
    assert relay.sent[0].group == "rates"
    assert relay.sent[1].facts["run/sweep"] == "rates"


def test_runs_side_by_side(listener):
    one, other = start(listener, "one"), start(listener, "other")
    listener.djsb_metric_logged(job("one"), "train.loss", 1.0, 0)
    assert [len(relay.sent) for relay in (one, other)] == [3, 2]
    listener.djsb_run_finished("other", 0.5)
    listener.djsb_metric_logged(job("other"), "train.loss", 1.0, 0)
    assert other.sent[-1] == End("finished")
    assert one.closed is None


def test_a_tracker_that_is_not_asked_for(listener):
    Silent.last = None
    listener.djsb_run_started("r", {"trackers": ["mlflow"]}, Path("w"), None)
    listener.djsb_job_started(job())
    listener.djsb_metric_logged(job(), "train.loss", 1.0, 0)
    listener.djsb_run_finished("r", 0.5)
    assert Silent.last is None


def test_a_tracker_that_is_not_installed(caplog, monkeypatch):
    monkeypatch.setattr(choice, "is_installed", lambda library: False)
    TrackerListener("trackio").djsb_run_started("r", {"trackers": "trackio"}, Path("w"), None)
    (warning,) = (record.getMessage() for record in caplog.records)
    assert warning == "no trackio: it is not installed; pip install 'djsb-trackers[trackio]'"


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


def test_no_library_is_imported_for_a_run_without_trackers(lab):
    lab.write(("train", {"points": [["loss", 0.5, 0]]}))
    code = f"""
import json, sys
sys.argv = ["djsb", "run", "sandbox.yaml", "--workers", "0"]
try:
    from djsb.cli import main
    main()
finally:
    print(json.dumps([name for name in {LIBRARIES} if name in sys.modules]
        + ["listener" if "djsb_trackers.listeners" in sys.modules else "no listener"]))
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert json.loads(ran.stdout.splitlines()[-1]) == ["listener"], ran.stderr
    assert "WARNING" not in ran.stderr
