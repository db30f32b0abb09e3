"""Fixtures of the tests that run experiments."""

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from djsb.placement.workers import InProcessExecutor, WorkerProcess
from djsb_core.identity import JobId
from djsb_core.interfaces.placement import ANY_PROCESS
from djsb_core.job.request import JobRequest

LAB = Path(__file__).with_name("lab_files")
PATIENCE = 60  # seconds until something that must happen counts as not happening


@pytest.fixture
def last_run(lab):
    def find():
        with_folder = max((lab.folder / "w" / "runs").iterdir(), key=os.path.getmtime)
        record = type("Folder", (), {"folder": with_folder})
        return lab.store(record).run("last")

    return find


def wait_until(what):
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def is_alive(process):
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def are_gone(processes):
    wait_until(lambda: not any(map(is_alive, processes)))
    return True


class RecordingSink:
    def __init__(self):
        self.all = []
        self.kept = {}
        self.calls = 0
        self.silences = []

    def silent(self, seconds):
        self.silences.append(seconds)

    def points(self, points):
        self.calls += 1
        self.all += points

    def artifact(self, artifact):
        self.kept[artifact.name] = artifact.path


def request(folder, hook="Act", variables=None, **settings):
    return JobRequest(
        hook=hook,
        component=None,
        dj_configs=None,
        extra_configs=settings,
        id=JobId("anonymous", "execution", 0, "job"),
        folder=folder,
        log=folder / "log.txt",
        lookup=(folder,),
        outputs={},
        placed={},
        metrics={},
        output_names=("result",),
        variables=variables or {},
    )


class Bench:
    """An executor with a folder, and a sink of its reports."""

    request = staticmethod(request)
    wait_until = staticmethod(wait_until)
    is_alive = staticmethod(is_alive)
    are_gone = staticmethod(are_gone)

    def __init__(self, executor, folder):
        self.executor = executor
        self.folder = folder
        self.sink = RecordingSink()

    def run(self, timeout=None, process=ANY_PROCESS, cancellation=None, /, **settings):
        return self.executor.execute(
            request(self.folder, **settings), self.sink, timeout, process, cancellation
        )

    def result(self, act, number=0.0, process=ANY_PROCESS, variables=None):
        return self.run(None, process, act=act, number=number, variables=variables)["result"]

    def forget(self):
        self.sink = RecordingSink()

    @contextmanager
    def running(self, act, cancellation=None):
        """Run a job in a thread; yield the processes it has begun with; the job must end."""
        ends = []

        def work():
            try:
                ends.append(self.run(None, ANY_PROCESS, cancellation, act=act))
            except BaseException as error:  # noqa: BLE001
                ends.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield self.pids(), ends
        thread.join(PATIENCE)
        assert not thread.is_alive()

    def pids(self):
        path = self.folder / "pids"
        wait_until(path.exists)
        found = [int(one) for one in path.read_text().split()]
        path.unlink()
        return found

    @property
    def log(self):
        return (self.folder / "log.txt").read_text(errors="surrogateescape")


@pytest.fixture
def processes():
    return Bench


@pytest.fixture
def acts(lab, install):
    install("djsb_acts", (LAB / "acts.py").read_text(), "[djsb.hooks]\nAct = djsb_acts:Act")
    return lab


@pytest.fixture
def bench(acts):
    executor = WorkerProcess(grace=0.5)
    yield Bench(executor, acts.folder)
    executor.close()


@pytest.fixture
def here(acts):
    return Bench(InProcessExecutor(), acts.folder)
