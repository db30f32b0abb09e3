"""Folders by key: whole or not at all, whatever happens between; and the locks on them."""

import errno
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.errors import RequestError
from djsb_core.folders.files import (
    DONE,
    read_object,
    remove_tree,
    size_of,
    usable,
    write_object,
)
from djsb_core.folders.keyed import KeyedFolders
from djsb_core.folders.locks import try_lock

KEYS = ("a", "b")


@dataclass(frozen=True)
class Kept:
    key: str
    folder: Path
    used: float


class Shelf(KeyedFolders[Kept]):
    """As the cache keeps things (the lock inside), or as environments do (outside)."""

    def __init__(self, root, *, inside):
        super().__init__(root, "use the shelf", "SHELF_DIR")
        self.inside = inside

    def keys(self):
        return sorted(one.name for one in self.root.glob("?"))

    def home(self, key):
        return self.root / key

    def lock_path(self, key):
        return self.home(key) / "lock" if self.inside else self.root / "locks" / key

    def complete(self, key):
        for folder in self.attempts(key):
            if read_object(folder / DONE) is not None:
                yield Kept(key, folder, (folder / DONE).stat().st_mtime)

    def attempt(self, key, *, whole):
        with self.lock(key, no_wait):
            folder = self.new_attempt(key)
            folder.mkdir(parents=True)
            (folder / "result").write_text("12345")
            if whole:
                write_object(folder / DONE, {}, durable=True)
        return folder


def no_wait():
    raise AssertionError("the lock is held")


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["whole", "killed", "remove", "idle", "clean", "forget the mark"]),
        st.sampled_from(KEYS),
    ),
    max_size=12,
)


@given(ACTIONS, st.booleans())
def test_what_is_listed_is_what_ended_and_nothing_else_stays(actions, inside):
    with TemporaryDirectory() as folder:
        shelf = Shelf(Path(folder), inside=inside)
        whole, killed = {key: [] for key in KEYS}, {key: [] for key in KEYS}
        for action, key in actions:
            if action in ("whole", "killed"):
                kept = whole if action == "whole" else killed
                kept[key].append(shelf.attempt(key, whole=action == "whole"))
            elif action == "forget the mark" and whole[key]:
                (whole[key][-1] / DONE).unlink()
                killed[key].append(whole[key].pop())
            elif action == "clean":
                shelf.remove_unfinished()
                killed = {one: [] for one in KEYS}
            elif action in ("remove", "idle") and whole[key]:
                entry = next(shelf.complete(key))
                removed = (
                    shelf.remove_folder(key, entry.folder) == 7  # 5 and the mark's 2
                    if action == "remove"
                    else shelf.remove_idle(entry)
                )
                assert removed
                whole[key].remove(entry.folder)
        assert {one.folder for one in shelf.entries()} == {
            f for all_ in whole.values() for f in all_
        }
        assert {*shelf.leftovers()} == {one for all_ in killed.values() for one in all_}
        assert all(shelf.attempts(key) for key in KEYS if shelf.home(key).exists())
        names = [one.name for key in KEYS for one in sorted(whole[key] + killed[key])]
        assert names == [one.name for key in KEYS for one in reversed(shelf.attempts(key))]


@pytest.mark.parametrize("inside", [True, False])
def test_what_was_used_meanwhile_stays(tmp_path, inside):
    shelf = Shelf(tmp_path, inside=inside)
    shelf.attempt("a", whole=True)
    (entry,) = shelf.entries()
    os.utime(entry.folder / DONE, (1, 1))
    assert not shelf.remove_idle(entry)
    assert entry.folder.exists()
    with shelf.lock("a", no_wait):
        assert not shelf.remove_idle(next(shelf.complete("a")))
    assert shelf.remove_idle(next(shelf.complete("a")))
    assert shelf.keys() == []


# -- locks -----------------------------------------------------------------------------------------


def test_one_alone_or_many_together(tmp_path):
    path = tmp_path / "deep" / "lock"
    alone = try_lock(path)
    assert try_lock(path) is try_lock(path, shared=True) is None
    alone.release()
    both = [try_lock(path, shared=True) for _ in range(2)]
    assert None not in both
    assert try_lock(path) is None
    both[0].release()
    assert try_lock(path) is None
    both[1].release()
    try_lock(path).release()


def test_a_process_that_ends_frees_its_lock(tmp_path):
    path = tmp_path / "lock"
    code = f"""if True:
        from pathlib import Path
        from djsb_core.folders.locks import try_lock
        lock = try_lock(Path({str(path)!r}))
        print("holds", lock is not None, flush=True)
        input()"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "holds True\n"
    assert try_lock(path) is None
    holder.kill()
    holder.communicate()
    assert try_lock(path) is not None


def test_a_lock_whose_file_was_removed_is_not_taken(tmp_path, monkeypatch):
    """Whoever opened the file before must not hold it beside a new one."""
    path = tmp_path / "lock"
    stat = Path.stat

    def removed(self, **options):
        if self == path:
            path.unlink(missing_ok=True)
        return stat(self, **options)

    with monkeypatch.context() as context:
        context.setattr(Path, "stat", removed)
        assert try_lock(path) is None
    assert try_lock(path) is not None


# -- files -----------------------------------------------------------------------------------------


def test_an_object_is_there_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "object.json"
    write_object(path, {"a": 1}, durable=False)
    assert read_object(path) == {"a": 1}
    path.write_text('{"a": ')
    assert read_object(path) is None
    path.write_text("[1]")
    assert read_object(path) is read_object(tmp_path / "none") is read_object(path / "x") is None

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_object(path, {"a": 2}, durable=True)
    assert list(tmp_path.iterdir()) == []


def test_the_mark_goes_first(tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / DONE).touch()
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # killed here
    assert not remove_tree(tmp_path / "x")
    assert list((tmp_path / "x").iterdir()) == []


def test_hard_links_count_once(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a").write_text("123")
    os.link(tmp_path / "x" / "a", tmp_path / "x" / "b")
    assert size_of(tmp_path / "x") == (3, 3)
    os.link(tmp_path / "x" / "a", tmp_path / "c")
    assert size_of(tmp_path / "x") == (3, 0)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_a_folder_that_may_not_be_used(tmp_path, number):
    with (
        pytest.raises(RequestError, match=r"cannot use the shelf .*SHELF_DIR"),
        usable(tmp_path, "use the shelf", "SHELF_DIR"),
    ):
        raise OSError(number, os.strerror(number))


def test_a_full_disk_is_named(tmp_path):
    with (
        pytest.raises(OSError, match=f"No space left on device: '{tmp_path}'"),
        usable(tmp_path, "use the shelf", "SHELF_DIR"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
