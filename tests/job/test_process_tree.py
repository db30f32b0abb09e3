import os
import signal
import subprocess
import sys
import uuid

import pytest

from djsb_core.job import process_tree
from djsb_core.job.process_tree import find_tree, kill_tree, signal_group
from djsb_core.job.protocol import TOKEN

MINE = uuid.uuid4().hex
TREE = """
import os, subprocess, sys, time
child = subprocess.Popen(["sleep", "300"], env={}, start_new_session=True)
middle = subprocess.run(
    [sys.executable, "-c", "import subprocess as s;"
     "print(s.Popen(['sleep', '300'], start_new_session=True, stdout=s.DEVNULL).pid)"],
    stdout=subprocess.PIPE, text=True,
)
print(child.pid, middle.stdout, flush=True)
time.sleep(300)
"""


@pytest.fixture
def tree():
    """Start a process with a child that lacks the token, and one whose parent is dead."""
    process = subprocess.Popen(
        [sys.executable, "-c", TREE],
        env={**os.environ, TOKEN: MINE},
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    pids = {process.pid, *map(int, process.stdout.readline().split())}
    yield process, pids
    for pid in pids - {process.pid}:
        signal_group(pid, signal.SIGKILL)
    process.kill()
    process.communicate()


def test_all_are_found_and_killed(tree):
    process, pids = tree
    assert len(pids) == 3
    assert find_tree(process.pid, MINE) == pids
    kill_tree(process.pid, MINE)
    assert process.wait(60) == -signal.SIGKILL
    assert find_tree(process.pid, MINE) == set()


def test_orphans_are_found_by_their_token(tree):
    process, pids = tree
    process.kill()
    process.wait()
    (orphan,) = find_tree(process.pid, MINE)
    assert orphan in pids
    assert find_tree(process.pid, "of-another") == set()
    assert find_tree(process.pid, "") == set()
    kill_tree(process.pid, MINE)
    assert find_tree(process.pid, MINE) == set()


def test_without_proc_the_group_is_killed(tree, monkeypatch, tmp_path):
    monkeypatch.setattr(process_tree, "PROC", tmp_path / "proc")
    process, _ = tree
    kill_tree(process.pid, MINE)
    assert process.wait(60) == -signal.SIGKILL


def test_what_is_gone_is_no_error(tree):
    process, _ = tree
    kill_tree(process.pid, MINE)
    process.wait(60)
    kill_tree(process.pid, MINE)
    signal_group(process.pid, signal.SIGINT)
