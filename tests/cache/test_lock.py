"""The lock of a key, held by real processes."""

import os
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from djsb.cache.cache import Cache
from djsb_core.errors import RequestError

CODE = """
import sys, time
from pathlib import Path
from djsb.cache.cache import Cache

cache, key, mode = Cache(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
waited = 0

def waiting():
    global waited
    waited += 1
    if waited == 1:
        print("waits", flush=True)

with cache.lock(key, waiting):
    entry = cache.find(key)
    if entry is None:
        folder = cache.begin(key, {"format": 1})
        (folder / "half").write_text(str(waited))
        print("works", flush=True)
        if mode == "hang":
            time.sleep(600)
        with open(sys.argv[1] + ".log", "a") as log:
            log.write(folder.name + "\\n")
        record = {"meta_name": "job", "pipeline": "p", "hook": "h", "component": None, "run": "r",
                  "seconds": 0, "created": time.time(), "outputs": {},
                  "points": [], "artifacts": []}
        cache.commit(key, folder, record, [folder])
    else:
        print("found", flush=True)
"""


@pytest.fixture
def work(shelf):
    """Return a function that starts a process which executes a job under its lock."""
    started = []

    def start(mode="end"):
        arguments = [sys.executable, "-c", CODE, shelf.cache.root, shelf.key("job"), mode]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said(process):
    return process.stdout.readline().strip()


def test_a_killed_process_frees_its_lock_and_the_waiting_one_works(shelf, work):
    holder = work("hang")
    assert said(holder) == "works"
    (half,) = shelf.cache.root.rglob("half")
    waiter = work()
    assert said(waiter) == "waits"
    assert shelf.cache.leftovers() == []  # it is being worked in
    assert waiter.poll() is None
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert said(waiter) == "works"
    assert waiter.wait() == 0
    assert not half.parent.exists()
    assert (shelf.find().folder / "half").is_file()
    assert said(work()) == "found"


def test_many_processes_execute_a_job_once(shelf, work):
    processes = [work() for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    assert len((shelf.cache.root.with_suffix(".log")).read_text().splitlines()) == 1
    assert len(shelf.cache.entries()) == 1


@pytest.mark.parametrize("seed", range(4))
def test_a_process_killed_at_any_moment_leaves_all_or_nothing(shelf, work, seed):
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    for _ in range(8):
        process = work()
        try:
            process.wait(chance.uniform(0.05, 0.2))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        found = shelf.find()
        with shelf.lock():
            pass
        if found is not None:
            assert (found.folder / "half").is_file()
            shelf.cache.remove(found)
    assert work().wait() == 0
    assert shelf.find() is not None


def test_threads_exclude_each_other(shelf):
    inside, most = 0, 0
    guard = threading.Lock()

    def work(_):
        nonlocal inside, most
        with shelf.cache.lock(shelf.key("job"), lambda: None):
            with guard:
                inside += 1
                most = max(most, inside)
            shelf.cache.begin(shelf.key("job"), {})
            with guard:
                inside -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert (inside, most) == (0, 1)


def test_locks_of_two_keys_are_independent(shelf):
    with shelf.lock("a"), shelf.lock("b"), pytest.raises(AssertionError), shelf.lock("a"):
        pass


def test_waiting_may_give_up(shelf):
    tries = []

    def waiting():
        tries.append(1)
        if len(tries) == 3:
            raise KeyboardInterrupt

    with shelf.lock():
        waiter = shelf.cache.lock(shelf.key("job"), waiting)
        with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
            pool.submit(waiter.__enter__).result()
    assert len(tries) == 3
    with shelf.lock():
        pass


def test_a_job_that_fails_frees_the_lock_and_keeps_its_error(shelf):
    with pytest.raises(PermissionError, match="its own"), shelf.lock():
        raise PermissionError("its own")
    with shelf.lock():
        pass


def test_who_waits_while_the_key_is_removed_still_holds_it_alone(shelf):
    """Whoever opened the lock's file before it was removed must not hold it beside a new one."""
    made = shelf.keep()
    holding = []

    def work(number):
        with shelf.cache.lock(shelf.key("job"), lambda: None):
            holding.append(number)
            assert len(holding) == 1
            shelf.cache.begin(shelf.key("job"), {})
            holding.remove(number)
        for entry in shelf.cache.entries():
            shelf.cache.remove(entry)
        shelf.cache.collect(0, keep=lambda _: False)

    shelf.cache.remove(made)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(60)))
    shelf.cache.collect(0, keep=lambda _: False)
    assert list(shelf.cache.root.glob("??")) == []


def test_a_folder_that_goes_while_it_is_made_is_made_again(tmp_path, monkeypatch):
    """``mkdir`` finds it there, and it is gone when ``mkdir`` looks what it is."""
    cache, key, tries = Cache(tmp_path), "a" * 64, []
    mkdir = Path.mkdir

    def goes_at_first(path, *arguments, **options):
        if path.name == key and not tries:
            tries.append(path)
            raise FileExistsError(17, "File exists", str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", goes_at_first)
    waited = []
    with cache.lock(key, lambda: waited.append(1)):
        assert waited == [1]


def test_a_file_in_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "aa").mkdir()
    (tmp_path / "aa" / ("a" * 64)).touch()
    with (
        pytest.raises(RequestError, match="cannot use the cache folder"),
        Cache(tmp_path).lock("a" * 64, lambda: None),
    ):
        pass
