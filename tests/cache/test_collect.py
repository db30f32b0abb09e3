import os
import random
import shutil

import pytest

from djsb_core.folders.files import DONE

MEGA = 10**6


def names(entries):
    return [entry.meta_name for entry in entries]


def keys(entries):
    return {entry.key for entry in entries}


def total(cache):
    return sum(entry.size for entry in cache.entries())


# -- looking ---------------------------------------------------------------------------------------


def test_entries_come_last_used_first(shelf):
    for i, name in enumerate("abc"):
        shelf.keep(name, used=1000 + i)
    assert names(shelf.cache.entries()) == ["c", "b", "a"]
    shelf.find("a")
    assert names(shelf.cache.entries()) == ["a", "c", "b"]


def test_size_is_of_all_files_with_hard_links_once(shelf):
    made = shelf.keep(text="x" * 5000)
    (made.folder / "sub").mkdir()
    os.link(made.folder / "out.txt", made.folder / "sub" / "again")
    (made.folder / "sub" / "link").symlink_to("../out.txt")
    (made.folder / "sub" / "up").symlink_to("..")
    links = len("../out.txt") + len("..")
    assert shelf.find().size == 5000 + (made.folder / DONE).stat().st_size + links


def test_leftovers_are_attempts_that_nobody_works_in(shelf):
    shelf.keep("a")
    left = shelf.begin("b")
    working = shelf.begin("c")
    with shelf.lock("c"):
        assert shelf.cache.leftovers() == [left]
    assert sorted(shelf.cache.leftovers()) == sorted([left, working])


def test_an_entry_that_is_gone_was_used_when_it_was_made(shelf):
    made = shelf.keep(created=100.0)
    shutil.rmtree(made.folder)
    assert made.used == 100.0
    assert made.size == 0


# -- remove ----------------------------------------------------------------------------------------


def test_removing_the_last_entry_leaves_no_folder(shelf):
    made, other = shelf.keep("a", text="x" * MEGA), shelf.keep("b")
    size = made.size
    assert shelf.cache.remove(made) == size > MEGA
    assert not made.folder.parents[1].exists()
    assert shelf.cache.entries() == [other]
    assert shelf.cache.remove(other) > 0
    assert [path.name for path in shelf.cache.root.iterdir() if path.is_dir()] == []


def test_removing_one_of_two_keeps_the_other(shelf):
    older, newer = shelf.keep(), shelf.keep()
    assert shelf.cache.remove(newer) > 0
    assert shelf.find() == older
    assert shelf.cache.parts_of(older.key)


def test_what_has_a_hard_link_elsewhere_is_not_freed(shelf, tmp_path):
    made = shelf.keep(text="x" * MEGA)
    os.link(made.folder / "out.txt", tmp_path / "kept")
    own = made.own_size
    assert made.size > MEGA
    assert shelf.cache.remove(made) == own == made.size - MEGA
    assert (tmp_path / "kept").stat().st_size == MEGA


def test_links_out_of_an_entry_are_not_followed(shelf, tmp_path):
    made = shelf.keep()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("1")
    (made.folder / "link").symlink_to(tmp_path / "mine")
    shelf.cache.remove(made)
    assert (tmp_path / "mine" / "file").read_text() == "1"


def test_nothing_is_removed_while_its_lock_is_held(shelf):
    made = shelf.keep()
    with shelf.lock():
        assert shelf.cache.remove(made) == 0
        assert shelf.cache.collect(0, keep=lambda _: False) == []
    assert shelf.find() == made


def test_removing_twice_frees_nothing(shelf):
    made = shelf.keep()
    shelf.cache.remove(made)
    assert shelf.cache.remove(made) == 0
    assert not made.folder.parents[1].exists()


def test_what_is_left_of_a_removal_that_stops_is_not_complete(shelf, monkeypatch):
    made = shelf.keep()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    assert shelf.cache.remove(made) == 0
    assert shelf.find() is None
    assert shelf.cache.leftovers() == [made.folder]


# -- collect ---------------------------------------------------------------------------------------


def test_without_a_limit_leftovers_and_superseded_attempts_go(shelf):
    older, newer, other = shelf.keep("a"), shelf.keep("a"), shelf.keep("b")
    left = [shelf.begin("b"), shelf.begin("c")]
    assert shelf.cache.collect(None, keep=lambda _: False) == [older]
    assert {entry.folder for entry in shelf.cache.entries()} == {newer.folder, other.folder}
    assert [path.exists() for path in left] == [False, False]
    assert not left[1].parents[1].exists()


def test_what_was_not_used_for_longest_goes_first(shelf):
    for i in range(5):
        shelf.keep(f"{i}", text="x" * MEGA, used=1000 + i)
    shelf.find("0")
    removed = shelf.cache.collect(int(3.5 * MEGA), keep=lambda _: False)
    assert names(removed) == ["1", "2"]
    assert names(shelf.cache.entries()) == ["0", "4", "3"]


def test_what_must_stay_stays(shelf):
    for i in range(5):
        shelf.keep(f"{i}", text="x" * MEGA, used=1000 + i)
    shelf.keep("0", text="x" * MEGA, used=2000)
    removed = shelf.cache.collect(0, keep=lambda entry: entry.meta_name in "03")
    assert names(removed) == ["1", "2", "4"]
    assert names(shelf.cache.entries()) == ["0", "3", "0"]


def test_a_dry_run_tells_the_same_and_removes_nothing(shelf):
    for i in range(4):
        shelf.keep(f"{i}", text="x" * MEGA, used=1000 + i)
    shelf.keep("3", text="x" * MEGA, used=900)
    left = shelf.begin("4")
    told = shelf.cache.collect(2 * MEGA, keep=lambda _: False, dry_run=True)
    assert left.is_dir()
    assert len(shelf.cache.entries()) == 5
    assert shelf.cache.collect(2 * MEGA, keep=lambda _: False) == told
    assert total(shelf.cache) <= 2 * MEGA


def test_what_is_used_while_collecting_stays(shelf):
    for name in "ab":
        shelf.keep(name, used=1000)

    def keep(entry):
        shelf.find("b")  # another run takes it from the cache just now
        return False

    assert names(shelf.cache.collect(0, keep=keep)) == ["a"]
    assert shelf.find("b") is not None


@pytest.mark.parametrize("seed", range(20))
def test_no_more_goes_than_must(shelf, seed):
    chance = random.Random(seed)  # noqa: S311 (not for secrets)
    for i in range(chance.randrange(1, 12)):
        size, used = chance.randrange(10_000), 1000 + chance.random()
        shelf.keep(f"{chance.randrange(6)}", text="x" * size, used=used, run=f"{i}")
    protected = {chance.choice(shelf.cache.entries()).key}
    limit = chance.randrange(40_000)
    entries = shelf.cache.entries()
    newest = {key: max(one.folder for one in entries if one.key == key) for key in keys(entries)}
    old = [one for one in entries if one.folder != newest[one.key] and one.key not in protected]
    free = [one for one in entries if one.folder == newest[one.key] and one.key not in protected]
    free.sort(key=lambda entry: entry.used)
    rest = total(shelf.cache) - sum(entry.size for entry in old)
    # The shortest beginning of `free` whose removal is enough.
    enough = [n for n in range(len(free)) if rest - sum(e.size for e in free[:n]) <= limit]
    expected = {*old, *free[: enough[0] if enough else len(free)]}
    assert set(shelf.cache.collect(limit, keep=lambda one: one.key in protected)) == expected
    assert set(shelf.cache.entries()) == set(entries) - expected
