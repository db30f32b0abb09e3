"""A store that another process keeps locked: a sentence that names the process."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from djsb.store import database
from djsb.store.store import Store
from djsb_core.errors import RequestError

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA locking_mode={sys.argv[2]}")
connection.execute("BEGIN IMMEDIATE")
connection.execute("PRAGMA user_version=4")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path, monkeypatch):
    """Return a function that lets another process lock the store of ``tmp_path``."""
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    Store(tmp_path).close()
    holders = []

    def start(mode):
        command = [sys.executable, "-c", HOLD, tmp_path / database.NAME, mode, "--token", "s3cret"]
        holders.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert holders[0].stdout.readline() == "held\n"
        return holders[0].pid

    yield start
    for holder in holders:
        holder.communicate()


def add_run(store, folder):
    store.add_run(names=("p", "e"), experiment=folder / "sandbox.yaml", settings={})


def check(error, pid):
    text = str(error)
    assert "djsb.sqlite: locked for 0.2 s" in text
    assert "s3cret" not in text
    if Path("/proc/locks").exists():
        assert f"by process {pid} (python" in text


def test_writing_to_a_locked_store_names_the_process(hold, tmp_path):
    with closing(Store(tmp_path)) as store:
        pid = hold("NORMAL")
        with pytest.raises(RequestError) as caught:
            add_run(store, tmp_path)
        check(caught.value, pid)
        assert store.runs() == []


def test_opening_a_store_locked_for_readers_too(hold, tmp_path):
    pid = hold("EXCLUSIVE")
    with pytest.raises(RequestError) as caught:
        Store(tmp_path)
    check(caught.value, pid)
