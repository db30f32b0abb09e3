"""SIGKILL at any moment loses no finished job and leaves nothing behind."""

import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing

import pytest

JOBS = {"probe", "refine", "process", "train", "score"}


@pytest.fixture
def whole(place, five_jobs):
    """Return what a run gives that nobody disturbs, and how long it takes."""
    undisturbed = place("whole", five_jobs)
    started = time.monotonic()
    undisturbed.succeed()
    seconds = time.monotonic() - started
    assert set(undisturbed.ran()) == JOBS
    assert len(undisturbed.named()) == 7
    return undisturbed, seconds


@pytest.mark.parametrize(
    ("kills", "in_a_row"),
    [(6, (3, 3)), pytest.param(50, (1, 3), marks=pytest.mark.slow)],
    ids=["6 moments", "50 moments"],
)
def test_killed_at_any_moment_a_run_goes_on(place, five_jobs, whole, kills, in_a_row):
    undisturbed, seconds = whole
    choose = random.Random(3)  # noqa: S311 (the same moments each time)
    moments = [seconds * (i + choose.random()) / kills for i in range(kills)]
    choose.shuffle(moments)
    number = 0
    while moments:
        number += 1
        disturbed = place(f"disturbed-{number}", five_jobs)
        with Inspector(disturbed, undisturbed.named()):
            for _ in range(choose.randint(*in_a_row)):
                if moments:
                    kill_after(disturbed, moments.pop())
            resume(disturbed)
        assert disturbed.named() == undisturbed.named()
        assert disturbed.results() == undisturbed.results()
        check_records(disturbed)


def kill_after(place, seconds):
    """Run, and kill the whole group after a time; what was done before does not run again."""
    done, ran = done_jobs(place), place.ran()
    process = place.start()
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    place.check_nothing_is_left()
    assert not done & set(place.ran() - ran)


def resume(place):
    done, ran = done_jobs(place), place.ran()
    place.succeed()
    assert set(place.ran() - ran) == JOBS - done
    place.check_nothing_is_left()


def done_jobs(place):
    """Name the finished jobs as they count themselves: a refinement is named after its probe."""
    return {
        "refine" if record["hook"].startswith("Refine") else record["meta_name"]
        for record in place.records()
    }


def check_records(place):
    """Check that the databases are whole, and that each run has ended in words."""
    for path in (place.folder / "w").rglob("*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    (last, *others) = place.listed()
    assert last["status"] == "finished"
    assert "running" not in {run["status"] for run in others}
    assert len(place.attempts()) == len(place.records()), "attempts that did not end are left"


class Inspector(threading.Thread):
    """Looks at the named results again and again: each is absent or whole at any moment."""

    def __init__(self, place, whole):
        super().__init__()
        self._place = place
        self._whole = whole
        self._ended = threading.Event()
        self._wrong = {}
        self.looks = 0

    def run(self):
        while not self._ended.wait(0.005):
            found = self._place.named().items()
            self._wrong.update({name: one for name, one in found if self._whole.get(name) != one})
            self.looks += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self.join()
        assert self.looks
        assert not self._wrong
