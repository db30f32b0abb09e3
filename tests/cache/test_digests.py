import hashlib
import json
import logging
import multiprocessing
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from djsb.cache import digests as module
from djsb.cache.digests import Digests

OLD = time.time_ns() - 10**11
FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Ignore the time of the last change of any kind, so that the tests can change files unseen."""
    monkeypatch.setattr(module, "_changed_at", lambda state: state.st_mtime_ns)
    monkeypatch.setattr(module, "_signature", lambda s: f"{s.st_size}:{s.st_mtime_ns}:{s.st_ino}")


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def change_unseen(path, content):
    """Change a file so that no signature tells: same size, same time, same inode."""
    state = path.stat()
    assert len(content) == state.st_size
    path.write_bytes(content)
    os.utime(path, ns=(state.st_mtime_ns, state.st_mtime_ns))
    assert path.stat().st_ino == state.st_ino


# -- content ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"a", b"\x00\xff" * 70_000, b"line\n" * 300_000])
def test_a_file_has_the_digest_that_sha256sum_says(digests, write, content):
    path = write("file", content)
    said = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True)
    assert digests.path(path) == said.stdout.split()[0] == sha256(content)


def test_a_folder_has_the_digest_of_its_sorted_paths_and_contents(digests, write, tmp_path):
    write("folder/b/c.txt", "2")
    write("folder/a.txt", "1")
    (tmp_path / "folder" / "empty").mkdir()
    listed = [["a.txt", sha256(b"1")], ["b/c.txt", sha256(b"2")]]
    assert digests.path(tmp_path / "folder") == sha256(json.dumps(listed).encode())


def test_what_is_neither_file_nor_folder_is_absent(digests, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "itself").symlink_to("itself")
    names = ["none", "none/below", "pipe", "broken", "itself", "x" * 300, "nul\0byte"]
    assert digests.paths(tmp_path / name for name in names) == ["absent"] * len(names)


def test_a_file_below_a_file_is_absent(digests, write):
    assert digests.path(write("file", "1") / "below") == "absent"


@pytest.mark.parametrize("seed", range(20))
def test_equal_folders_and_only_they_have_equal_digests(digests, tmp_path, seed):
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    names = [f"{chance.choice('abc')}/{chance.choice('de')}{i}" for i in range(12)]
    for name in names:
        path = tmp_path / "one" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(chance.randrange(20)))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    one = digests.path(tmp_path / "one")
    assert digests.path(tmp_path / "two") == one
    changed = tmp_path / "two" / chance.choice(names)
    change = chance.choice(["content", "name", "gone", "more"])
    if change == "content":
        changed.write_bytes(changed.read_bytes() + b"x")
    elif change == "name":
        changed.rename(changed.with_name("other"))
    elif change == "gone":
        changed.unlink()
    else:
        changed.with_name("other").touch()
    assert digests.path(tmp_path / "two") != one


def test_names_that_are_not_text_are_digested(digests, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with open(os.path.join(os.fsencode(folder), b"caf\xe9"), "wb") as file:  # noqa: PTH118, PTH123
        file.write(b"1")
    first = digests.path(folder)
    assert digests.path(folder) == first
    (path,) = folder.iterdir()
    os.utime(path, ns=(OLD, OLD))
    assert digests.path(path) == digests.path(path) == sha256(b"1")


# -- memory ----------------------------------------------------------------------------------------


def test_a_file_is_read_once(digests, write):
    path = write("file", "1")
    first = digests.path(path)
    change_unseen(path, b"2")
    assert digests.path(path) == first == sha256(b"1")


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_file_that_changed_is_read_again(digests, write, change):
    path = write("file", "1")
    digests.path(path)
    if change == "inode":
        write("other", "2").replace(path)
    else:
        path.write_text("2" if change == "time" else "22")
        at = OLD + (change == "time")
        os.utime(path, ns=(at, at))
    assert digests.path(path) == sha256(path.read_bytes())


@pytest.mark.parametrize("settled", [True, False])
def test_a_change_whose_time_is_set_back_is_seen(digests, write, monkeypatch, settled):
    """As by ``cp -p``, ``touch -r`` or an archive with fixed times."""
    monkeypatch.undo()
    path = write("file", "1")
    if settled:
        monkeypatch.setattr(module, "FRESH", 0)
    digests.path(path)
    change_unseen(path, b"2")
    assert digests.path(path) == sha256(b"2")


def test_a_settled_file_is_remembered(digests, write, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(module, "FRESH", 0)
    path = write("file", "1")
    first = digests.path(path)
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert digests.path(path) == first


@pytest.mark.parametrize("age", [-100, 0, 1.9])
def test_a_fresh_file_is_not_remembered(digests, write, age):
    path = write("file", "1", at=time.time_ns() - int(age * 1e9))
    assert digests.path(path) == sha256(b"1")
    change_unseen(path, b"2")
    assert digests.path(path) == sha256(b"2")


def test_a_file_that_changes_while_it_is_read_is_not_remembered(digests, write, monkeypatch):
    path = write("file", "1")
    real = hashlib.file_digest

    def slow(file, name):
        found = real(file, name)
        with path.open("a") as other:
            other.write("2")
        os.utime(path, ns=(OLD, OLD))
        return found

    monkeypatch.setattr(hashlib, "file_digest", slow)
    digests.path(path)
    monkeypatch.undo()
    change_unseen(path, b"34")
    assert digests.path(path) == sha256(b"34")


def test_a_file_that_goes_before_it_is_read_is_absent(digests, write, monkeypatch):
    path = write("file", "1")
    find = digests._memory.find

    def find_and_remove(signatures):
        path.unlink()
        return find(signatures)

    monkeypatch.setattr(digests._memory, "find", find_and_remove)
    assert digests.path(path) == "absent"


def test_memory_outlives_the_process(digests, write, tmp_path):
    path = write("file", "1")
    digests.path(path)
    digests.close()
    change_unseen(path, b"2")
    assert Digests(tmp_path / "memory" / "digests.sqlite").path(path) == sha256(b"1")
    assert digests.path(path) == sha256(b"1")


def test_a_removed_folder_is_forgotten_and_nothing_else(digests, write, tmp_path):
    names = ["a/1", "a/b/2", "a0", "ab/3", "A/4"]
    for name in names:
        digests.path(write(name, "1"))
    digests.forget(tmp_path / "a")
    for name in names:
        change_unseen(tmp_path / name, b"2")
    read_again = [name for name in names if digests.path(tmp_path / name) == sha256(b"2")]
    assert read_again == ["a/1", "a/b/2"]


def test_a_folder_asks_its_memory_once(digests, write, tmp_path, monkeypatch):
    for i in range(300):
        write(f"folder/{i % 7}/{i}", str(i))
    first = digests.path(tmp_path / "folder")
    asked = []
    digests._memory._connection.set_trace_callback(asked.append)
    assert digests.path(tmp_path / "folder") == first
    assert len(asked) == 1


def test_more_files_than_one_question_can_name(digests, write, tmp_path):
    for i in range(30):
        write(f"folder/{i}", str(i))
    first = digests.path(tmp_path / "folder")
    digests._memory._connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 7)
    change_unseen(tmp_path / "folder" / "3", b"x")
    assert digests.path(tmp_path / "folder") == first


# -- memory that fails -----------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["garbage", "folder", "cut", "no_room", "below_a_file"])
def test_without_a_usable_database_files_are_still_digested(write, tmp_path, damage):
    path, database = write("file", "1"), tmp_path / "digests.sqlite"
    if damage == "garbage":
        database.write_bytes(b"not a database" * 1000)
    elif damage == "folder":
        database.mkdir()
    elif damage == "below_a_file":
        database = path / "digests.sqlite"
    else:
        made = Digests(database)
        made.path(path)
        if damage == "no_room":
            made._memory._connection.execute("PRAGMA max_page_count = 1")
            for i in range(400):
                assert made.path(write(f"many/{i}", str(i))) == sha256(str(i).encode())
        made.close()
        if damage == "cut":
            database.write_bytes(database.read_bytes()[:4196])
    digests = Digests(database)
    for content in (b"2", b"3"):
        path.write_bytes(content)
        assert digests.path(path) == sha256(content)
    digests.forget(tmp_path)
    digests.close()


def test_a_damaged_database_is_said_once(write, tmp_path, caplog):
    database = write("digests.sqlite", b"not a database" * 1000)
    digests = Digests(database)
    with caplog.at_level(logging.WARNING):
        digests.path(write("a", "1"))
        digests.path(write("b", "1"))
    (message,) = caplog.messages
    assert message.startswith(f"{database} is damaged (")
    assert message.endswith("; delete it")


def test_a_database_that_another_process_holds_is_used_later(digests, write, tmp_path, monkeypatch):
    monkeypatch.setattr("djsb.cache.memory.TIMEOUT", 0.01)
    digests.path(write("a", "1"))
    digests.close()
    holder = sqlite3.connect(tmp_path / "memory" / "digests.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    path = write("b", "1")
    assert digests.path(path) == sha256(b"1")
    holder.execute("ROLLBACK")
    holder.close()
    digests.path(path)
    change_unseen(path, b"2")
    assert digests.path(path) == sha256(b"1")


# -- threads and processes -------------------------------------------------------------------------


def test_several_threads(digests, write):
    paths = [write(f"folder/{i}", str(i)) for i in range(60)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(digests.paths, [paths] * 16))
    assert found == [[sha256(str(i).encode()) for i in range(60)]] * 16


def test_several_processes_made_at_once(write, tmp_path):
    paths = [write(f"folder/{i}", str(i)) for i in range(60)]
    expected = [sha256(str(i).encode()) for i in range(60)]

    def work():
        digests = Digests(tmp_path / "digests.sqlite")
        sys.exit(digests.paths(paths) != expected or not digests._memory._usable)

    assert exit_codes(work, 6) == [0] * 6


def test_a_forked_process_uses_neither_connection_nor_lock_of_its_parent(digests, write):
    path = write("file", "1")
    digests.path(path)
    inherited = digests._memory._connection

    def work():
        sys.exit(
            digests.path(path) != sha256(b"1") or digests._memory._connection in (None, inherited)
        )

    with digests._memory._lock:
        assert exit_codes(work, 1) == [0]


def exit_codes(work, count):
    processes = [FORK.Process(target=work) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        process.kill()  # one that hangs must not keep the tests from ending
    return [process.exitcode for process in processes]
