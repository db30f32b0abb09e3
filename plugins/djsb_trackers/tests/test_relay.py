"""Trackers that are slow, stuck, broken, loud or without space: a run does not notice."""

import logging
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from djsb_trackers.messages import End, Facts, Start, Value
from djsb_trackers.relay import Relay

from .conftest import MIXED, PATIENCE, wait_for

NEVER = 1000  # seconds; a run that waited for this would be noticed

FAKE = """
    import time, sys
    class Settings:
        def __init__(self, **options): pass
    class Run:
        step = 0
        summary = {{}}
        def define_metric(self, name, **options): pass
        def log(self, row, step): {log}
        def finish(self, exit_code): {finish}
    def init(**options):
        {init}
        return Run()
"""


@pytest.fixture
def fake(site):
    """Return a function that puts another wandb in the place of the real one."""

    def make(init="pass", log="pass", finish="pass", source=None):
        text = textwrap.dedent(source or FAKE.format(init=init, log=log, finish=finish))
        (site / "wandb.py").write_text(text)

    return make


@pytest.fixture
def relays(tmp_path, site):
    """Return a function that starts a relay, and end its process."""
    started = []

    def start(**options):
        started.append(Relay("wandb", tmp_path / "wandb.log", **options))
        return started[-1]

    yield start
    for relay in started:
        relay._process.kill()


def start_message(folder):
    return Start("id", "project", "name", str(folder), {})


def values(count):
    return [Value("train", "train.loss", 0.5, i, 0.0) for i in range(count)]


def warnings(caplog):
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


@pytest.fixture
def ended(monkeypatch):
    """Remember the relays' processes, and end those that are stuck."""
    processes = []
    started = subprocess.Popen

    def remember(command, **options):
        processes.append(started(command, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    yield processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize("moment", ["init", "log", "finish"])
def test_a_tracker_that_is_stuck(lab, fake, ended, monkeypatch, moment):
    fake(**{moment: f"time.sleep({NEVER})"})
    monkeypatch.setenv("DJSB_TRACKERS_WAIT", "0.2")
    lab.write(("train", MIXED))
    before = time.monotonic()
    assert lab.run("wandb").status == "finished"
    assert time.monotonic() - before < PATIENCE


def test_a_tracker_that_does_not_take_what_it_is_given(tmp_path, fake, relays, caplog):
    fake(init=f"time.sleep({NEVER})")
    relay = relays(limit=1000)
    os.kill(relay.pid, 19)  # stopped: not even what comes is taken
    relay.send(start_message(tmp_path))
    for _ in range(5):
        for value in values(2000):
            relay.send(value)
        time.sleep(0.1)  # so that the pipe is full too
    assert warnings(caplog) == ["wandb is too slow: values of this run will be missing in it"]
    relay.close(time.monotonic() + 0.2)
    assert wait_for(lambda: relay._process.poll() is not None)
    assert len(warnings(caplog)) == 2
    assert "was too slow" in warnings(caplog)[1]


def test_a_slow_tracker_gets_everything_in_the_end(tmp_path, fake, relays, caplog):
    """After the run has gone on: what was handed over is written by the tracker's process."""
    seen = tmp_path / "seen.txt"
    log = f"time.sleep(0.001); open({str(seen)!r}, 'a').write(str(step) + chr(10))"
    fake(init="time.sleep(1)", log=log)
    relay = relays()
    for message in (start_message(tmp_path), *values(300), End("finished")):
        relay.send(message)
    relay.close(time.monotonic() + 0.5)
    assert not seen.exists()
    relay._process.wait(PATIENCE)
    assert len(seen.read_text().splitlines()) == 300
    assert not warnings(caplog)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"source": "import no_such_module"}, "No module named 'no_such_module'"),
        ({"source": "raise SystemExit('it does not work here')"}, "it does not work here"),
        ({"source": "import os; os.abort()"}, "Fatal Python error|it ended"),
        ({"init": "raise OSError(28, 'No space left on device')"}, "No space left on device"),
        ({"log": "raise OSError(28, 'No space left on device')"}, "No space left on device"),
        ({"finish": "1 / 0"}, "division by zero"),
    ],
)
def test_a_broken_tracker(lab, fake, caplog, how, said):
    fake(**how)
    lab.write(("train", {"points": [*MIXED["points"], *([["loss", 0.1, i] for i in range(2000)])]}))
    assert lab.run("wandb").status == "finished"
    (warning,) = wait_for(lambda: warnings(caplog))
    assert warning.startswith("no wandb for this run: ")
    assert any(word in warning for word in said.split("|"))
    assert "wandb.log" in warning


def test_a_complaint_is_shown_without_secrets(lab, fake, caplog, monkeypatch):
    monkeypatch.setenv("MY_API_KEY", "sk-0123456789")
    fake(init="raise OSError('no answer from https://me:word@example.com/?key=sk-0123456789')")
    lab.write(("train", MIXED))
    lab.run("wandb")
    (warning,) = wait_for(lambda: warnings(caplog))
    assert "no answer from https://me:***@example.com/?key=***" in warning


def test_a_loud_tracker_is_heard_in_its_log_only(lab, fake, capfd):
    fake(log="print('noise'); print('more', file=sys.stderr)")
    lab.write(("train", MIXED))
    run = lab.run("wandb")
    assert "noise" not in "".join(capfd.readouterr())
    assert set((run.folder / "wandb.log").read_text().split()) == {"noise", "more"}


def test_a_folder_that_cannot_be_written_to(lab, fake, caplog, monkeypatch):
    fake()

    lab.write(("train", MIXED))
    real = Path.open

    def refuse(path, *arguments, **options):
        if path.name == "wandb.log":
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    assert lab.run("wandb").status == "finished"
    assert warnings(caplog) == ["skipped wandb: [Errno 28] No space left on device"]


def test_a_full_disk(lab, fake, tmp_path, caplog):
    """The tracker's own files fail; the run, which is on another disk, does not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        fake(log=f"open('{disk}/rows', 'ab', 0).writelines([bytes(4096)] * 99)")
        lab.write(("train", MIXED))
        assert lab.run("wandb").status == "finished"
        (warning,) = wait_for(lambda: warnings(caplog))
        assert "No space left on device" in warning
    finally:
        subprocess.run(["umount", disk], check=True)


def test_nothing_is_left_behind(lab, fake, ended):
    fake()
    lab.write(("train", MIXED))
    lab.run("wandb")
    (tracker,) = (process for process in ended if "djsb_trackers.mirror" in process.args)
    assert tracker.wait(PATIENCE) == 0


def test_what_a_tracker_tells_its_children_does_not_reach_another(lab, fake, monkeypatch):
    monkeypatch.setenv("WANDB_SERVICE", "of another process")
    fake(init="import os; print('WANDB_SERVICE' in os.environ, len(os.read(0, 9)))")
    lab.write(("train", MIXED))
    run = lab.run("wandb")
    assert (run.folder / "wandb.log").read_text() == "False 0\n"
    assert os.environ["WANDB_SERVICE"] == "of another process"


def test_a_process_that_outlives_its_run_ends_by_itself(tmp_path, site):
    """Not after its five minutes here: they are made short."""
    code = "import djsb_trackers.mirror as m; m.LINGER = 1; m.main()"
    (site / "wandb.py").write_text(f"import time; time.sleep({NEVER})")
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-c", code, "wandb"], stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    try:
        from djsb_trackers.messages import encode

        process.communicate(encode(start_message(tmp_path)) + encode(Facts({})), PATIENCE)
        assert process.returncode == -14
    finally:
        process.kill()


def test_a_run_that_waits_is_asked_for(monkeypatch, caplog):
    from djsb_trackers.relay import patience

    assert patience() == PATIENCE
    monkeypatch.delenv("DJSB_TRACKERS_WAIT")
    assert patience() == 1
    monkeypatch.setenv("DJSB_TRACKERS_WAIT", "long")
    assert patience() == 1
    assert warnings(caplog) == ["DJSB_TRACKERS_WAIT is not a number of seconds: long"]
