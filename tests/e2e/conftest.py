"""Whole runs that are watched, ended and started again."""

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest

from djsb.store.store import Store
from djsb_core.folders.locks import try_lock

LAB = Path(__file__).parents[1] / "support" / "lab_files"
PATIENCE = 30  # seconds until something that must happen counts as not happening
MARK = "DJSB_TEST_MARK"

ENTRY_POINTS = """
[djsb.hooks]
Task = djsb_slow:Task
[djsb.data_analyzers]
slow_analyzer = djsb_slow:SlowAnalyzer
[djsb.recipe_refiners]
slow_refiner = djsb_slow:SlowRefiner
[djsb.data_executors]
slow_processor = djsb_slow:SlowProcessor
[djsb.model_train_executors]
slow_trainer = djsb_slow:SlowTrainer
[djsb.model_evaluators]
slow_score = djsb_slow:SlowScore
"""


@pytest.fixture
def place(lab, install):
    """Return a function that makes a folder in which runs can be watched."""
    install("djsb_slow", (LAB / "slow.py").read_text(), ENTRY_POINTS)
    places = []

    def make(name="place", text=None):
        places.append(Place(lab.folder / name))
        (places[-1].folder / "data.jsonl").write_text((lab.folder / "data.jsonl").read_text())
        if text is not None:
            places[-1].write(text)
        return places[-1]

    yield make
    for one in places:
        one.kill_all()


@pytest.fixture
def five_jobs():
    """Return an experiment of five jobs that take a second together."""
    return (LAB / "five_jobs.yaml").read_text()


class Place:
    """A folder with an experiment, and the processes of its runs."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        self._mark = uuid.uuid4().hex
        self._started = []

    def write(self, text, name="sandbox.yaml"):
        (self.folder / name).write_text(text)

    def start(self, *arguments, work="run", file="sandbox.yaml"):
        """Start the real command in a session, and so a group, of its own."""
        code = "from djsb.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", code, work, file, *map(str, arguments)],
            cwd=self.folder,
            env={
                **os.environ,
                MARK: self._mark,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def end(self, process):
        """Wait for the end of a command; return it as ``subprocess.run`` would."""
        output, errors = process.communicate(timeout=2 * PATIENCE)
        assert "Traceback" not in errors, errors
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def run(self, *arguments, **options):
        return self.end(self.start(*arguments, **options))

    def succeed(self, *arguments, **options):
        ran = self.run(*arguments, **options)
        assert ran.returncode == 0, ran.stderr
        return ran

    def kill_all(self):
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, 9)
        for process in self._started:
            process.communicate()

    # -- looking -------------------------------------------------------------------------------

    def processes(self):
        """List the living processes that a command here has started, directly or not."""
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"{MARK}={self._mark}".encode() in environment.read_bytes():
                    found.append(int(environment.parent.name))
        return found

    def ran(self):
        """Count the executions by job."""
        path = self.folder / "ran.txt"
        return Counter(path.read_text().splitlines() if path.exists() else ())

    def wait_for(self, condition):
        until = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.01)
        return found

    def folders(self):
        """Return the folders of all runs."""
        return list((self.folder / "w" / "runs").glob("*"))

    def listed(self):
        """Return what ``djsb runs`` says of the runs, the newest first."""
        return json.loads(self.succeed("--json", work="runs", file="w").stdout)

    def runs(self):
        """Return the records of the runs, the newest first."""
        with closing(Store(self.folder / "w", create=False)) as store:
            return store.runs()

    def jobs(self, number=0):
        """Return the records of a run's jobs; of the last, or of an earlier one."""
        with closing(Store(self.folder / "w", create=False)) as store:
            return store.jobs(store.runs()[number].id)

    def metrics(self, job):
        with closing(Store(self.folder / "w", create=False)) as store:
            return store.metrics(job.id)

    def statuses(self, number=0):
        return [job.status for job in self.jobs(number)]

    def results(self):
        """Return what the kept jobs gave: values, and in place of paths the content there."""
        return {
            (record["pipeline"], record["hook"], record["meta_name"]): self.by_content(
                record["outputs"]
            )
            for record in self.records()
        }

    def attempts(self):
        """Return the folders of all attempts in the cache, complete or not."""
        return [path for path in self.cache.glob("??/*/*") if path.is_dir()]

    def named(self, folder="out"):
        """Return what is at the places that the config names; hidden files are on their way."""
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }

    def check_nothing_is_left(self):
        """Check that no process lives, no lock is held, and no database is damaged."""
        self.wait_for(lambda: not self.processes())
        for path in self.cache.glob("??/*/lock"):
            lock = try_lock(path)
            assert lock is not None
            lock.release()

    @property
    def cache(self):
        return self.folder / "w" / "cache"

    def records(self):
        return [json.loads(path.read_text()) for path in self.cache.glob("??/*/*/DONE.json")]

    @classmethod
    def by_content(cls, value):
        """Replace every path in the outputs of jobs by what is there."""
        if isinstance(value, dict):
            return {key: cls.by_content(item) for key, item in value.items()}
        if isinstance(value, list):
            return [cls.by_content(item) for item in value]
        if isinstance(value, str) and value.startswith("/"):
            path = Path(value)
            files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
            assert files, f"{path} is empty or gone"
            return {str(one.relative_to(path)): one.read_text() for one in sorted(files)}
        return value
