import hashlib
import os
import re
import time

import pytest

from djsb.cache.cache import Cache
from djsb.report.cache import (
    collect_text,
    entries_json,
    entries_text,
    open_cache,
    parse_size,
    remove_entries,
    running_keys,
    why_text,
)
from djsb.store.store import Store
from djsb_core.errors import RequestError
from djsb_core.text import size_text

LINKED = "Run folders link into the cache: a removed entry is gone from older runs too."


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.delenv("DJSB_CACHE_DIR", raising=False)
    found = House(tmp_path / "w")
    yield found
    found.store.close()
    found.cache.digests.close()


class House:
    """A work_dir: what a runner would have put into its store and its cache."""

    def __init__(self, work_dir):
        self.store = Store(work_dir)
        self.cache = Cache(work_dir / "cache")

    def run(self):
        record = self.store.add_run(names=("p", "e"), experiment=self.store.work_dir, settings={})
        return record.id

    def end(self, run):
        self.store.end_run(run, "finished", 1.0)

    def key(self, parts):
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def parts(self, *, component="ms:Trainer", **settings):
        info = {"package": "djsb-x", "version": "1", "source": "a"}
        return {
            "hook": {"target": "djsb_core:Train", **info},
            "component": {"target": component, **info},
            "settings": {"extra_configs": settings},
        }

    def job(self, run, meta_name="train", *, parts, status="finished", started=None, **more):
        """Record a job; if it was executed and ended well, put its entry into the cache."""
        started = time.time() if started is None else started
        key = self.key(parts)
        names = {"pipeline": "main", "meta_name": meta_name, "hook": "Train", "iteration": 0}
        names |= {"component": "modelscope", **more}
        row = {**names, "stage": "s", "position": 0, "folder": self.store.work_dir / "job"}
        job = self.store.add_job(run, **row, status=status, fingerprint=key, started=started)
        if status == "cached":
            return None
        with self.cache.lock(key, lambda: None):
            folder = self.cache.begin(key, parts)
            self.store.update_job(job, files=folder)
            if status != "finished":
                return None
            (folder / "model").write_text("weights")
            record = {**names, "run": run, "seconds": 1.0, "created": started + 0.001}
            record |= {"outputs": {}, "points": [], "artifacts": []}
            return self.cache.commit(key, folder, record, [folder / "model"])

    def change_job(self, **values):
        """Change the last run's only job."""
        (job,) = self.store.jobs(self.store.run("last").id)
        self.store.update_job(job.id, **values)

    def why(self, name="train", run="last"):
        return why_text(self.store, self.cache, name, run)


# -- ls --------------------------------------------------------------------------------------------


def test_an_empty_cache_says_so(house):
    assert entries_text(house.cache) == f"The cache in {house.cache.root} is empty."
    assert entries_json(house.cache) == []


def test_entries_as_a_table_and_for_scripts(house):
    made = house.job(house.run(), parts=house.parts(lr=1), started=1_700_000_000.0)
    other = house.job(house.run(), "probe", parts=house.parts(lr=2))
    os.utime(made.folder / "DONE.json", (1_700_000_000, 1_700_000_000))
    lines = entries_text(house.cache).splitlines()
    assert lines[0].split("  ")[0] == "key"
    assert lines[2].startswith(f"{other.key[:12]}  main.probe  modelscope")
    assert lines[3].startswith(f"{made.key[:12]}  main.train  modelscope")
    day = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1_700_000_000))
    assert lines[3].endswith(f"{day}  {day}")
    files = [path for entry in (made, other) for path in entry.folder.iterdir()]
    size = sum(path.stat().st_size for path in files)
    assert lines[-1] == f"2 entries, {size_text(size)} in {house.cache.root}"
    first, second = entries_json(house.cache)
    assert (first["key"], first["meta_name"], first["run_id"]) == (
        other.key,
        "probe",
        other.run_id,
    )
    assert second["size"] == made.size
    assert second["used"] == 1_700_000_000
    assert second["folder"] == str(made.folder)


# -- why -------------------------------------------------------------------------------------------


def test_a_first_execution(house):
    house.job(house.run(), "other", parts=house.parts(component="other:Trainer"))
    house.job(house.run(), parts=house.parts(lr=1))
    assert house.why() == (
        "main.train (modelscope): finished\nfirst execution of this hook and component"
    )


def test_a_reused_job_names_the_run_that_executed_it(house):
    house.job(house.run(), parts=house.parts(lr=1))
    house.job(house.run(), parts=house.parts(lr=1), status="cached")
    house.change_job(source_run="run-of-old")
    assert house.why().splitlines()[1] == "reused from run run-of-old"


def test_an_executed_job_is_compared_with_the_nearest_earlier_one(house):
    runs = [house.run() for _ in range(4)]
    house.job(runs[0], parts=house.parts(lr=1, epochs=1), started=100.0)
    house.job(runs[1], parts=house.parts(lr=1, epochs=2), started=200.0)
    house.job(runs[2], parts=house.parts(lr=3, epochs=3), started=300.0)
    house.job(runs[3], parts=house.parts(lr=2, epochs=2), started=400.0)
    assert house.why(run=runs[3]) == (
        "main.train (modelscope): finished\n"
        f"executed; differs from main.train of run {runs[1]}:\n"
        "  extra_configs.lr: 1 → 2"
    )
    # Not with what came later.
    assert house.why(run=runs[0]).splitlines()[1].startswith("first execution")


def test_the_same_name_is_preferred_to_fewer_differences(house):
    runs = [house.run() for _ in range(3)]
    house.job(runs[0], parts=house.parts(lr=1, epochs=1), started=100.0)
    house.job(runs[1], "other", parts=house.parts(lr=2, epochs=1), started=200.0)
    house.job(runs[2], parts=house.parts(lr=2, epochs=2), started=300.0)
    assert f"differs from main.train of run {runs[0]}:" in house.why()
    assert len(house.why().splitlines()) == 4


def test_another_name_is_better_than_none(house):
    first = house.run()
    house.job(first, "other", parts=house.parts(lr=1))
    house.job(house.run(), parts=house.parts(lr=2))
    assert f"differs from main.other of run {first}:" in house.why()


def test_a_failed_job_is_explained_too(house):
    house.job(house.run(), parts=house.parts(lr=1))
    house.job(house.run(), parts=house.parts(lr=2), status="failed")
    lines = house.why().splitlines()
    assert lines[0] == "main.train (modelscope): failed"
    assert lines[2] == "  extra_configs.lr: 1 → 2"


def test_many_differences_are_cut(house):
    house.job(house.run(), parts=house.parts(**{f"k{i}": 0 for i in range(30)}))
    house.job(house.run(), parts=house.parts(**{f"k{i}": 1 for i in range(30)}))
    lines = house.why().splitlines()
    assert len(lines) == 2 + 20 + 1
    assert lines[-1] == "  and 10 more"


def test_a_job_that_was_to_be_executed_again(house):
    first = house.run()
    house.job(first, parts=house.parts(lr=1), started=100.0)
    house.job(house.run(), parts=house.parts(lr=1), started=200.0)
    assert house.why().splitlines()[1:] == [
        f"executed again although run {first} has the result: --force or --rerun"
    ]


def test_a_job_without_cache(house):
    house.job(house.run(), parts=house.parts(lr=1))
    house.change_job(files=house.store.work_dir / "job" / "files")
    assert (
        house.why().splitlines()[1] == "executed without the cache: `cache: false`, or --no-cache"
    )


def test_a_job_whose_earlier_results_were_changed(house):
    first = house.run()
    made = house.job(first, parts=house.parts(lr=1), started=100.0)
    (made.folder / "model").write_text("other")
    house.job(house.run(), parts=house.parts(lr=1), started=200.0)
    assert house.why().splitlines()[1:] == [
        f"executed again: results of run {first} were changed or removed:",
        f"  {made.folder}/model",
    ]


def test_a_job_whose_entry_is_gone(house):
    house.cache.remove(house.job(house.run(), parts=house.parts(lr=1)))
    assert house.why().splitlines()[1] == (
        "executed; its entry has been removed since, so nothing can be compared"
    )


def test_a_job_without_a_key(house):
    house.job(house.run(), parts=house.parts(lr=1), status="failed")
    house.change_job(fingerprint=None)
    assert house.why().splitlines()[1] == (
        "no key: it was skipped, or ended before its inputs were known"
    )


def test_each_iteration_and_pipeline_is_explained(house):
    run = house.run()
    for i in (1, 2):
        house.job(run, parts=house.parts(lr=i), iteration=i, started=100.0 + i)
    house.job(run, parts=house.parts(lr=1), pipeline="second", status="cached", iteration=1)
    first, second = house.why("main.train").split("\n\n")
    assert first.splitlines() == [
        "main.train (modelscope, iteration 1): finished",
        "first execution of this hook and component",
    ]
    assert second.splitlines() == [
        "main.train (modelscope, iteration 2): finished",
        f"executed; differs from main.train of run {run}:",
        "  extra_configs.lr: 1 → 2",
    ]
    assert len(house.why("train").split("\n\n")) == 3
    assert house.why("second.train").startswith("second.train (modelscope): cached\n")


def test_an_unknown_job_or_run_is_one_message(house):
    house.job(house.run(), parts=house.parts())
    with pytest.raises(RequestError, match=r"no job 'trian' in run .*; did you mean 'train'"):
        house.why("trian")
    with pytest.raises(RequestError, match="no run 'never'"):
        house.why(run="never")


# -- rm --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["job", "pipeline.job", "key", "whole key"])
def test_entries_are_removed_by_name_and_by_key(house, how):
    run = house.run()
    made = house.job(run, parts=house.parts(lr=1))
    older = house.job(run, parts=house.parts(lr=1), started=10.0)
    other = house.job(run, "other", parts=house.parts(lr=2))
    house.end(run)
    freed = made.size + older.size
    names = {"job": "train", "pipeline.job": "main.train", "key": made.key[:4]}
    text = remove_entries(house.store, house.cache, [names.get(how, made.key), "train"])
    assert text == f"Removed 2 entries, freed {size_text(freed)}.\n{LINKED}"
    assert house.cache.entries() == [other]


def test_all_is_removed(house):
    run = house.run()
    for i in range(3):
        house.job(run, parts=house.parts(lr=i))
    house.job(run, parts=house.parts(lr=9), status="failed")
    house.end(run)
    assert "Removed 3 entries" in remove_entries(house.store, house.cache, None)
    assert list(house.cache.root.glob("??")) == []


def test_what_a_run_uses_is_not_removed(house):
    run = house.run()
    made = house.job(run, parts=house.parts(lr=1))
    kept = f"kept: {made.key[:12]} (main.train), a run is using it\nRemoved 0 entries, freed 0 B."
    assert remove_entries(house.store, house.cache, ["train"]) == f"{kept}\n{LINKED}"
    house.end(run)
    with house.cache.lock(made.key, lambda: None):
        assert remove_entries(house.store, house.cache, ["train"]) == f"{kept}\n{LINKED}"
    assert "Removed 1 entry" in remove_entries(house.store, house.cache, ["train"])


def test_a_name_that_is_not_clear_is_one_message(house, monkeypatch):
    run = house.run()
    keys = iter(["abcd" + "0" * 60, "abcd" + "1" * 60, "cafe" + "0" * 60])
    monkeypatch.setattr(house, "key", lambda _: next(keys))
    for name in ("train", "train", "cafe"):
        house.job(run, name, parts=house.parts())
    house.end(run)
    for name, message in {
        "abcd": "'abcd' is the start of several keys: abcd00000000, abcd11111111",
        "cafe": "'cafe' is both a job and the start of a key: cafe00000000",
        "abc": "no job 'abc', and no such key (4 digits or more); known: cafe, train",
        "trian": "no job 'trian', and no such key (4 digits or more); did you mean",
    }.items():
        with pytest.raises(RequestError, match=re.escape(message)):
            remove_entries(house.store, house.cache, ["train", name])
    assert len(house.cache.entries()) == 3


# -- gc --------------------------------------------------------------------------------------------


def test_collecting_says_what_went(house):
    run = house.run()
    made = [house.job(run, parts=house.parts(lr=i), started=100.0 + i) for i in range(3)]
    for i, entry in enumerate(made):
        os.utime(entry.folder / "DONE.json", (1000 + i, 1000 + i))
    house.job(run, parts=house.parts(lr=9), status="failed")
    house.end(run)
    limit = made[2].size
    lines = [f"{one.key[:12]}  main.train  {size_text(one.size)}" for one in made[:2]]
    freed = size_text(made[0].size + made[1].size)
    dry = collect_text(house.store, house.cache, limit, dry_run=True)
    assert dry.splitlines() == [
        *lines,
        f"Would remove 2 entries and 1 unfinished, free {freed}.",
        LINKED,
    ]
    assert collect_text(house.store, house.cache, limit, dry_run=False).splitlines() == [
        *lines,
        f"Removed 2 entries and 1 unfinished, freed {freed}.",
        LINKED,
    ]
    assert house.cache.entries() == [made[2]]
    assert "Removed 0 entries, freed 0 B.\n" in collect_text(
        house.store, house.cache, None, dry_run=False
    )


def test_what_a_run_uses_is_not_collected(house, monkeypatch):
    ended, killed, going = house.run(), house.run(), house.run()
    made = [house.job(run, parts=house.parts(lr=i)) for i, run in enumerate((ended, killed, going))]
    house.end(ended)
    monkeypatch.setattr(
        "djsb.report.cache.status_of",
        lambda run: {ended: "finished", killed: "killed", going: "running"}[run.id],
    )
    assert running_keys(house.store) == {made[2].key}
    collect_text(house.store, house.cache, 0, dry_run=False)
    assert house.cache.entries() == [made[2]]


# -- sizes, place ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("17", 17),
        ("17B", 17),
        ("500MB", 5 * 10**8),
        ("10GB", 10**10),
        ("10g", 10**10),
        ("2GiB", 2 * 2**30),
        ("1.5 kib", 1536),
        (" 1TB ", 10**12),
        ("0.5K", 500),
        ("3Gi", 3 * 2**30),
    ],
)
def test_sizes_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "GB", "-1GB", "1e9", "10 G B", "1.GB", "10PB", "ten", "nan", "inf", "9" * 400, "1ib"],
)
def test_what_is_no_size_says_what_would_be(text):
    with pytest.raises(RequestError, match="is not a size; write one such as 500MB, 10GB"):
        parse_size(text)


def test_the_cache_of_a_work_dir_or_the_one_that_is_named(house, tmp_path, monkeypatch):
    house.run()
    _, found = open_cache(tmp_path / "w")
    assert found.root == tmp_path / "w" / "cache"
    monkeypatch.setenv("DJSB_CACHE_DIR", str(tmp_path / "all"))
    assert open_cache(tmp_path / "w")[1].root == tmp_path / "all"
    with pytest.raises(RequestError, match="no runs in"):
        open_cache(tmp_path)
