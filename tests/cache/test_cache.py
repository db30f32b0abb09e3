import errno
import hashlib
import json
import math
import os
import random
import shutil
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from djsb.cache.cache import Cache, cache_root
from djsb_core.errors import RequestError


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


# -- find, begin, commit ---------------------------------------------------------------------------


def test_nothing_is_found_and_nothing_made_in_an_empty_cache(shelf):
    assert shelf.find() is None
    assert shelf.cache.entries() == shelf.cache.leftovers() == []
    assert shelf.cache.parts_of(shelf.key("job")) == {}
    assert not shelf.cache.root.exists()


def test_what_was_committed_is_found(shelf):
    made = shelf.keep(outputs={"scores": {"f1": math.nan}, "name": "caf\xe9"}, component="c")
    found = shelf.find()
    assert found == made
    assert found.key == shelf.key("job")
    assert found.folder.parent == shelf.cache.root / found.key[:2] / found.key
    assert (found.folder / "out.txt").read_text() == "result"
    assert math.isnan(found.outputs["scores"]["f1"])
    assert found.outputs["name"] == "caf\xe9"
    assert (found.meta_name, found.hook, found.component) == ("job", "Echo", "c")
    assert shelf.cache.parts_of(found.key) == {"format": 1, "name": "job"}


def test_another_process_finds_it_too(shelf):
    made = shelf.keep()
    assert Cache(shelf.cache.root).find(made.key) == made


def test_the_record_is_what_json_gives_back(shelf):
    points = [("loss", 1.0, None, 0.1), ("loss", math.inf, 1, 0.2)]
    made = shelf.keep(points=points, artifacts=[["acc", "samples", None, "samples.acc.json"]])
    assert made.points == [["loss", 1.0, None, 0.1], ["loss", math.inf, 1, 0.2]]
    assert made.record == json.loads((made.folder / "DONE.json").read_text())
    assert made.artifacts == [("acc", "samples", None, made.folder / "samples.acc.json")]
    assert shelf.find().record == made.record


def test_finding_marks_as_used(shelf):
    made = shelf.keep(used=1000.0)
    assert made.used == 1000.0
    before = time.time()
    assert shelf.find().used >= before - 1


def test_a_newer_attempt_is_found_first_and_the_older_stays(shelf):
    entries = [shelf.keep(text=str(i)) for i in range(5)]
    assert shelf.find() == entries[-1]
    assert all(entry.folder.is_dir() for entry in entries)
    shutil.rmtree(entries[-1].folder)
    assert shelf.find() == entries[-2]


def test_names_sort_by_age_even_if_the_clock_is_set_back(shelf, monkeypatch):
    newest = None
    for year in (2030, 2001, 2001, 1999):
        then = datetime(year, 1, 1, tzinfo=UTC)
        clock = SimpleNamespace(now=lambda _, then=then: then)
        monkeypatch.setattr("djsb_core.folders.keyed.datetime", clock)
        newest = shelf.keep()
    assert shelf.find() == newest
    assert len({entry.folder for entry in shelf.cache.entries()}) == 4


# -- digests ---------------------------------------------------------------------------------------


def test_digests_are_of_contents_by_relative_or_absolute_path(shelf, tmp_path):
    outside = tmp_path / "model"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "weights").write_text("1")
    (outside / "empty").mkdir()
    made = shelf.keep(files=[outside, outside / "empty", tmp_path / "none"])
    assert made.record["digests"] == {
        "out.txt": sha256("result"),
        f"{outside}/deep/weights": sha256("1"),
        f"{outside}/empty": sha256("[]"),
    }


def test_paths_inside_are_relative_through_a_link_too(tmp_path, shelf):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    cache = Cache(tmp_path / "link")
    key = shelf.key("job")
    with cache.lock(key, shelf.never):
        folder = cache.begin(key, {})
        (folder / "a").write_text("1")
        entry = cache.commit(key, folder, shelf.record(), [folder.resolve() / "a", folder / "a"])
    assert entry.record["digests"] == {"a": sha256("1")}


@pytest.mark.parametrize("damage", ["changed", "removed", "unreadable", "folder", "empty_removed"])
def test_an_entry_whose_results_changed_is_not_found(shelf, tmp_path, monkeypatch, damage):
    older = shelf.keep(text="older")
    (tmp_path / "results" / "empty").mkdir(parents=True)
    path = tmp_path / "results" / "file"
    path.write_text("1")
    made = shelf.keep(files=[path, path.parent / "empty"])
    changed = [path]
    if damage == "changed":
        path.write_text("2")
    elif damage == "removed":
        path.unlink()
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage == "empty_removed":
        changed = [path.parent / "empty"]
        changed[0].rmdir()
    else:
        real = os.stat
        refused = PermissionError(errno.EACCES, "Permission denied")

        def stat(one, **options):
            if str(one) == str(path):
                raise refused
            return real(one, **options)

        monkeypatch.setattr(os, "stat", stat)
    assert shelf.cache.changed(made) == changed
    assert shelf.find() == older


def test_more_files_beside_the_results_change_nothing(shelf):
    made = shelf.keep()
    (made.folder / "log.txt").write_text("more")
    assert shelf.find() == made


@pytest.mark.parametrize("seed", range(10))
def test_an_entry_is_found_exactly_as_long_as_its_results_are_as_they_were(shelf, tmp_path, seed):
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    files = [tmp_path / "results" / f"{i % 3}" / f"{i}" for i in range(9)]
    contents = {path: chance.randbytes(chance.randrange(9)) for path in files}
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    made = shelf.keep(files=[tmp_path / "results"])
    for _ in range(30):
        path = chance.choice(files)
        path.unlink(missing_ok=True)
        if chance.random() < 0.8:
            path.write_bytes(chance.choice([contents[path], b"x"]))
        now = {one: one.read_bytes() if one.exists() else None for one in files}
        assert (shelf.find() == made) is (now == contents)


# -- attempts --------------------------------------------------------------------------------------


def test_a_new_attempt_removes_what_killed_ones_left_and_has_a_new_name(shelf):
    kept = shelf.keep()
    names = set()
    for _ in range(5):
        folder = shelf.begin()
        (folder / "half").write_text("1")
        names.add(folder.name)
    assert len(names) == 5
    left = [path for path in folder.parent.iterdir() if path.is_dir()]
    assert sorted(left) == [kept.folder, folder]
    assert shelf.find() == kept


def test_going_on_keeps_what_the_newest_killed_attempt_left(shelf):
    folders = [shelf.begin()]
    (folders[0] / "checkpoint").write_text("7")
    second = shelf.begin(resume=True)
    assert (second / "checkpoint").read_text() == "7"
    assert second != folders[0]
    assert not folders[0].exists()
    with shelf.lock():
        shelf.cache.commit(shelf.key("job"), second, shelf.record(), [second])
    assert list(shelf.begin(resume=True).iterdir()) == []  # a complete one is left alone


def test_going_on_from_nothing_is_a_new_attempt(shelf):
    assert list(shelf.begin(resume=True).iterdir()) == []


def test_going_on_from_a_damaged_attempt_does_not_make_it_complete(shelf):
    made = shelf.keep()
    (made.folder / "DONE.json").write_text("{")
    folder = shelf.begin(resume=True)
    assert [path.name for path in folder.iterdir()] == ["out.txt"]


def test_what_cannot_be_removed_does_not_stop_a_new_attempt(shelf, monkeypatch):
    first = shelf.begin()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)  # a dying process still writes
    second = shelf.begin()
    assert first.is_dir()
    assert second.is_dir()


# -- damage ----------------------------------------------------------------------------------------


WHOLE = json.dumps({"meta_name": "job", "digests": {}})


@pytest.mark.parametrize("text", ["", "{", "[]", "null", WHOLE, "\x00" * 100, "[" * 100_000])
def test_a_damaged_record_is_as_if_it_were_absent(shelf, text):
    older, made = shelf.keep(), shelf.keep()
    (made.folder / "DONE.json").write_text(text)
    assert shelf.find() == older
    assert shelf.cache.entries() == [older]
    assert shelf.cache.leftovers() == [made.folder]


def test_any_cut_record_is_as_if_it_were_absent(shelf):
    made = shelf.keep()
    done = made.folder / "DONE.json"
    whole = done.read_bytes()
    for length in range(len(whole)):
        done.write_bytes(whole[:length])
        assert shelf.find() is None
    done.write_bytes(whole)
    assert shelf.find() == made


def test_a_damaged_key_file_is_written_again(shelf):
    made = shelf.keep()
    path = made.folder.parent / "KEY.json"
    path.write_text('{"format"')
    assert shelf.cache.parts_of(made.key) == {}
    shelf.keep()
    assert shelf.cache.parts_of(made.key) == {"format": 1, "name": "job"}


def test_what_others_keep_in_the_folder_is_left_alone(shelf):
    kept = shelf.keep()
    foreign = ["ab/notes/mine", "photos/2020/06", f"zz/{'0' * 64}/x", f"ab/{'c' * 64}/x"]
    for name in foreign:
        (shelf.cache.root / name).mkdir(parents=True)
    assert shelf.cache.leftovers() == []
    assert shelf.cache.entries() == [kept]
    shelf.cache.collect(0, keep=lambda _: False)
    assert all((shelf.cache.root / name).is_dir() for name in foreign)


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_leaves_no_record_and_is_told_as_it_is(shelf, monkeypatch, call, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    folder = shelf.begin()
    with monkeypatch.context() as patch:
        patch.setattr(*{"write": (json, "dump", fail), "fsync": (os, "fsync", fail)}[call])
        with pytest.raises(OSError, match=os.strerror(number)) as caught, shelf.lock():
            shelf.cache.commit(shelf.key("job"), folder, shelf.record(), [])
    assert caught.value.errno == number
    assert list(folder.iterdir()) == []
    assert shelf.find() is None
    assert shelf.keep() == shelf.find()


def test_a_folder_that_cannot_be_synchronised_is_no_error(shelf, monkeypatch):
    real = os.fsync

    def fsync(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert shelf.keep() == shelf.find()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("call", ["find", "begin", "entries", "leftovers", "parts_of"])
def test_a_cache_that_may_not_be_used_says_what_to_do(shelf, monkeypatch, call, number):
    shelf.begin()
    key = shelf.key("job")
    asks = {"find": (key,), "begin": (key, {"a": 1}), "parts_of": (key,)}

    def refuse(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    for name in ("scandir", "mkdir", "open"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(RequestError) as caught:
        getattr(shelf.cache, call)(*asks.get(call, ()))
    message = str(caught.value)
    assert message.startswith(f"cannot use the cache folder {shelf.cache.root}: ")
    assert message.endswith("or set another one with DJSB_CACHE_DIR")


def test_a_cache_folder_that_is_a_file_says_so(tmp_path, shelf):
    (tmp_path / "cache").write_text("")
    with pytest.raises(RequestError, match=r"cannot use the cache folder .*Not a directory"):
        shelf.find()
    with pytest.raises(RequestError, match="cannot use the cache folder"), shelf.lock():
        pass


def test_a_record_that_could_not_be_read_back_is_refused(shelf):
    folder = shelf.begin()
    with pytest.raises(ValueError, match="needs meta_name, created"):
        shelf.cache.commit(
            shelf.key("job"), folder, shelf.record(meta_name=None, created="now"), []
        )
    assert list(folder.iterdir()) == []


def test_an_entry_from_a_cache_that_may_only_be_read_is_used(shelf, monkeypatch):
    made = shelf.keep()

    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    assert shelf.find() == made


# -- where -----------------------------------------------------------------------------------------


def test_the_cache_is_in_the_work_dir_unless_it_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("DJSB_CACHE_DIR", raising=False)
    assert cache_root(tmp_path) == tmp_path / "cache"
    monkeypatch.setenv("DJSB_CACHE_DIR", "")
    assert cache_root(tmp_path) == tmp_path / "cache"
    monkeypatch.setenv("DJSB_CACHE_DIR", "~/all")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root(tmp_path / "w") == tmp_path / "all"


def test_a_relative_root_holds_when_the_working_directory_changes(tmp_path, monkeypatch, shelf):
    monkeypatch.chdir(tmp_path)
    cache = Cache(shelf.cache.root.relative_to(tmp_path))
    made = shelf.keep()
    monkeypatch.chdir("/")
    assert cache.find(made.key) == made
