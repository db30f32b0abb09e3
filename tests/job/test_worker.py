"""The worker as a program, spoken to by hand; what jobs do to it is in runner/test_workers.py."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest

from djsb_core import __version__
from djsb_core.job import worker
from djsb_core.job.log_client import log_client
from djsb_core.job.protocol import LineSplitter, decode, encode
from djsb_core.job.reports import Artifact, ArtifactKind, Point
from djsb_core.job.worker import Outbox, Reports


class Pipe:
    """A pipe whose messages are read one by one."""

    def __init__(self):
        self.descriptor, self.write_end = os.pipe()
        self._messages = self._read()

    def _read(self):
        lines = LineSplitter()
        while piece := os.read(self.descriptor, 1 << 16):
            yield from filter(None, map(decode, lines.split(piece)))

    def next(self):
        return next(self._messages)


@pytest.fixture
def pipe():
    pipe = Pipe()
    yield pipe
    os.close(pipe.descriptor)


@pytest.fixture
def program(pipe):
    logs = log_client().connect()
    descriptors = [pipe.write_end, logs.fileno()]
    process = subprocess.Popen(
        [sys.executable, "-m", "djsb_core.job.worker", *map(str, descriptors)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=descriptors,
        start_new_session=True,
    )
    os.close(pipe.write_end)
    logs.close()
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_it_serves_until_it_is_told_to_end(program, pipe):
    assert pipe.next() == {"event": "hello", "version": __version__, "pid": program.pid}
    program.stdin.write(b'none\n{"half a req\n\n{"request": {"folder": 3}}\n{"request": "x"}\n')
    program.stdin.flush()
    ends = [pipe.next(), pipe.next()]
    assert [(end["event"], end["type"]) for end in ends] == [("failed", "TypeError")] * 2
    assert not any(end["known"] or end["interrupted"] for end in ends)
    program.stdin.write(b'{"close": true}\n')
    assert program.communicate(timeout=60) == (b"", None)
    assert program.returncode == 0


def test_it_ends_at_once_when_the_core_is_gone(program, pipe):
    pipe.next()
    program.stdin.close()
    assert program.wait(60) == -signal.SIGKILL


def test_it_ends_when_nobody_listens(program, pipe):
    pipe.next()
    os.dup2(os.open(os.devnull, os.O_RDONLY), pipe.descriptor)
    program.stdin.write(b'{"request": "x"}\n')
    program.stdin.flush()
    assert program.wait(60) == -signal.SIGKILL


def test_it_starts_with_little():
    code = "import djsb_core.job.worker, sys; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert not {"pydantic", "yaml", "stevedore", "subprocess", "sqlite3"} & set(found.split())


def test_heartbeats_are_sent_while_a_job_runs(pipe, monkeypatch):
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(worker, "_end_everything", lambda: None)  # not the process of the tests
    outbox = Outbox(pipe.write_end)
    reports = Reports(outbox)
    assert [pipe.next() for _ in range(3)] == [{"event": "alive"}] * 3
    reports.end(encode({"event": "done"}))
    for number in range(2):
        time.sleep(0.1)
        outbox.put(encode({"event": number}))
    found = [pipe.next()["event"]]
    while found[-1] != 1:
        found.append(pipe.next()["event"])
    assert found[found.index("done") :] == ["done", 0, 1]


def test_points_travel_together_and_nothing_overtakes(pipe, monkeypatch):
    monkeypatch.setattr(worker, "_end_everything", lambda: None)  # not the process of the tests
    points = [Point("loss", i / 2, i, 0.5) for i in range(20_000)]

    def report():
        reports = Reports(Outbox(pipe.write_end))
        for point in points:
            reports.points([point])
        reports.artifact(Artifact("loss", ArtifactKind.SAMPLES, 3, Path("/x/samples.json")))
        reports.points(points[:1])
        reports.end(encode({"event": "done"}))
        reports.points(points)
        reports.end(encode({"event": "done"}))
        reports.artifact(Artifact("late", ArtifactKind.IMAGE, None, Path("/x.png")))

    thread = Thread(target=report)  # the pipe takes little: it must be read meanwhile
    thread.start()
    heard, batches = [], 0
    while (event := pipe.next())["event"] == "points":
        heard += [Point(*one) for one in event["points"]]
        batches += 1
    assert heard == points
    assert batches < 5000
    assert event == {
        "event": "artifact",
        "artifact": ["loss", "samples", 3, "/x/samples.json"],
    }
    assert pipe.next() == {"event": "points", "points": [["loss", 0.0, 0, 0.5]]}
    assert pipe.next() == {"event": "done"}
    thread.join()
    os.close(pipe.write_end)
    with pytest.raises(StopIteration):
        pipe.next()
