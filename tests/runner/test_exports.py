"""Results at the places that settings name."""

import errno
import os
import threading
from pathlib import Path

import pytest

from djsb.runner import exports
from djsb.runner.exports import (
    Export,
    exports_of,
    in_subfolders,
    link_file,
    put_in_place,
    relative_places,
)
from djsb_core.errors import JobError


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes files below the working directory."""
    monkeypatch.chdir(tmp_path)

    def write_files(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return write_files


@pytest.fixture(params=["links", "copies"])
def disk(request, monkeypatch):
    """Run a test with the job's folder on the same disk, and on another one."""
    if request.param == "copies":

        def link(source, target, **_):
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(target))

        monkeypatch.setattr(os, "link", link)
    return request.param


def put(made, place, before=None):
    put_in_place(Export(Path(place), Path(made), Path(place)), before and Path(before))


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


# -- where -----------------------------------------------------------------------------------------


def test_each_result_is_made_in_a_folder_of_its_own():
    named = [Path(name) for name in ("/a/kept.jsonl", "/b/kept.jsonl", "/a/kept.jsonl", "/")]
    assert relative_places(named) == {
        Path("/a/kept.jsonl"): "exports/kept.jsonl",
        Path("/b/kept.jsonl"): "exports-2/kept.jsonl",
        Path("/"): "exports-3/result",
    }
    assert relative_places([]) == {}


def test_places_do_not_depend_on_folders():
    one, other = (relative_places([Path(x, "k"), Path(x, "m")]) for x in ("/a", "/b/c"))
    assert list(one.values()) == list(other.values())


@pytest.mark.parametrize(
    ("named", "folder", "place"),
    [
        ("out/kept.jsonl", False, "out/iter_2/kept.jsonl"),
        ("kept.jsonl", False, "iter_2/kept.jsonl"),
        ("out/model", True, "out/model/iter_2"),
        ("out/model.v1", True, "out/model.v1/iter_2"),
    ],
)
def test_iterations_have_their_own_places(named, folder, place):
    assert in_subfolders(Path(named), ("iter_2",), folder=folder) == Path(place)


def found(named, *subfolders):
    return {
        str(one.place): str(one.source)
        for one in exports_of(Path(named), Path("made") / Path(named).name, subfolders)
    }


def test_what_lies_beside_a_result_belongs_to_it(write):
    write(made__kept="", made__kept_stats="", made__parts__0="")
    assert found("out/kept") == {
        "out/kept": "made/kept",
        "out/kept_stats": "made/kept_stats",
        "out/parts": "made/parts",
    }
    assert found("out/kept", "iter_3") == {
        "out/iter_3/kept": "made/kept",
        "out/iter_3/kept_stats": "made/kept_stats",
        "out/parts/iter_3": "made/parts",
    }


def test_parts_may_stand_instead_of_a_result(write):
    write(made__kept_1="", made__kept_2="")
    assert list(found("out/kept")) == ["out/kept_1", "out/kept_2"]


def test_a_result_that_was_not_made_is_none(write):
    assert found("out/kept") == {}
    Path("made").mkdir()
    assert found("out/kept") == {}
    put("made/kept", "out/kept")
    assert not Path("out").exists()


# -- putting ---------------------------------------------------------------------------------------


def test_a_file_is_put_into_new_folders_and_replaces_what_is_there(write, disk):
    write(made__a="one", again__a="two")
    put("made/a", "x/y/a")
    assert tree("x") == {"y/a": "one"}
    assert Path("x/y/a").samefile("made/a") is (disk == "links")
    put("again/a", "x/y/a", "made/a")
    assert tree("x") == {"y/a": "two"}
    assert tree("made") == {"a": "one"}
    put("again/a", "x/y/a", "again/a")
    assert tree("x") == {"y/a": "two"}


@pytest.mark.usefixtures("disk")
def test_a_folder_loses_what_the_last_result_had_and_keeps_what_the_user_has(write):
    write(one__model="1", one__deep__old="o", two__model="2", two__deep__new="n")
    put("one", "out")
    write(out__mine="m", out__deep__mine="d")
    assert tree("out") == {"model": "1", "deep/old": "o", "mine": "m", "deep/mine": "d"}
    put("two", "out", "one")
    assert tree("out") == {"model": "2", "deep/new": "n", "mine": "m", "deep/mine": "d"}


@pytest.mark.usefixtures("disk")
def test_a_file_that_the_user_put_over_an_old_result_stays(write):
    write(one__old="1", two__new="2")
    put("one", "out")
    Path("out/old").unlink()
    write(out__old="of the user")
    put("two", "out", "one")
    assert tree("out") == {"old": "of the user", "new": "2"}


def test_without_a_last_result_nothing_is_removed(write):
    write(one__new="1", out__old="o")
    put("one", "out")
    put("one", "out", "gone")
    assert tree("out") == {"new": "1", "old": "o"}


def test_an_empty_folder_is_a_result(write):
    Path("made").mkdir()
    put("made", "out/empty")
    assert Path("out/empty").is_dir()


@pytest.mark.usefixtures("disk")
def test_a_link_in_a_result_leads_where_it_led(write):
    write(made__step_3="three", elsewhere__x="far")
    Path("made/latest").symlink_to("step_3")
    Path("made/far").symlink_to("../elsewhere/x")
    put("made", "deep/down/out")
    assert tree("deep/down/out") == {"step_3": "three", "latest": "three", "far": "far"}


@pytest.mark.usefixtures("disk")
def test_a_result_that_is_a_link_is_what_it_leads_to(write):
    write(elsewhere__x="far", made__y="")
    Path("made/kept").symlink_to("../elsewhere/x")
    put("made/kept", "deep/down/out/kept")
    assert tree("deep") == {"down/out/kept": "far"}


@pytest.mark.usefixtures("disk")
def test_a_reader_sees_whole_files_only(write):
    texts = {letter * 200_000 for letter in "ab"}
    for text in texts:
        write(**{f"{text[0]}__x": text})
    put("a/x", "out/x")
    done, seen = threading.Event(), set()

    def read():
        while not done.is_set():
            seen.add(Path("out/x").read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(40):
        put(f"{'ab'[i % 2]}/x", "out/x")
    done.set()
    reader.join()
    assert seen <= texts
    assert [path.name for path in Path("out").iterdir()] == ["x"]


def test_a_copy_that_fails_leaves_what_was_there_and_no_rest(write, monkeypatch):
    write(made__a="new", out__a="old")

    def link_half(_, target):
        target.write_text("ne")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(exports, "link_file", link_half)
    with pytest.raises(OSError, match="No space left"):
        put("made/a", "out/a")
    assert tree("out") == {"a": "old"}


def test_a_linked_file_never_changes_what_was_linked_before(write):
    write(a="first", b="second")
    link_file(Path("a"), Path("log"))
    link_file(Path("b"), Path("log"))
    link_file(Path("b"), Path("log"))
    assert (Path("a").read_text(), Path("log").read_text()) == ("first", "second")


# -- in runs ---------------------------------------------------------------------------------------

PARTS = """
from pathlib import Path
from djsb_core.api import ComponentConfig, Hook, OutputPath


class Config(ComponentConfig):
    one: OutputPath | None = None
    two: OutputPath | None = None
    make: list[str] = []


class Make(Hook):
    config_type = Config
    output_names = ("one", "two")
    asks_for_metrics = False

    def run(self, context):
        config = self.config
        for name in config.make:
            path = config.one.parent / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        if config.two:
            config.two.write_text("two")
        return config.one, config.two
"""


@pytest.fixture
def make(install, lab):
    """Return a function that runs one job which makes files beside its first named result."""
    install("parts", PARTS, "[djsb.hooks]\nMake = parts:Make\n")

    def run(settings, head=""):
        text = f"{head}\nwork_dir: w\nexecution_job_configs:\n"
        text += f"- {{hook: Make, meta_name: j, extra_configs: {{{settings}}}}}\n"
        return lab.jobs(lab.run(text))["j"]

    return run


def test_results_go_where_they_are_named(make, lab):
    job = make("one: a/kept, two: b/kept, make: [kept, kept_stats]")
    assert tree("a") == {"kept": "kept", "kept_stats": "kept_stats"}
    assert tree("b") == {"kept": "two"}
    assert job.named_outputs == {
        "one": str(lab.folder / "a/kept"),
        "two": str(lab.folder / "b/kept"),
    }
    assert Path(job.outputs["one"]).is_relative_to(lab.folder / "w/cache")
    again = make("one: a/kept, two: c/kept, make: [kept, kept_stats]")
    assert again.status == "cached"
    assert tree("c") == {"kept": "two"}
    assert again.named_outputs["two"] == str(lab.folder / "c/kept")


def test_parts_of_the_last_result_go_with_it(make):
    make("one: out/model, make: [model/a, model/b]")
    Path("out/model/mine").write_text("m")
    make("one: out/model, make: [model/b, model/c]")
    assert tree("out") == {"model/b": "model/b", "model/c": "model/c", "model/mine": "m"}
    assert make("one: out/model, make: [model/a, model/b]").status == "cached"
    assert tree("out") == {"model/a": "model/a", "model/b": "model/b", "model/mine": "m"}


def test_a_part_changed_by_hand_is_made_anew(make):
    make("one: out/model, make: [model/a]")
    Path("out/model/a").write_text("tampered")
    assert make("one: out/model, make: [model/a]").status == "finished"
    assert tree("out") == {"model/a": "model/a"}


@pytest.mark.usefixtures("disk")
def test_what_was_deleted_by_hand_is_put_back(make):
    make("one: out/model, make: [model/a, model/b]")
    Path("out/model/a").unlink()
    assert make("one: out/model, make: [model/a, model/b]").status == "cached"
    assert tree("out") == {"model/a": "model/a", "model/b": "model/b"}


def test_a_copy_changed_by_hand_is_put_back(make, monkeypatch):
    def link(*_, **__):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", link)
    make("one: out/x, make: [x]")
    Path("out/x").write_text("tampered")
    assert make("one: out/x, make: [x]").status == "cached"
    assert tree("out") == {"x": "x"}


def test_a_job_without_its_named_result_leaves_the_place_alone(make):
    assert make("one: out/x").exports == {}
    assert not Path("out").exists()


def test_iterations_put_their_results_apart(make, lab):
    job = make("one: out/x, make: [x, model/a]", "max_iter_num: 1")
    assert tree("out") == {"x": "x", "model/a": "model/a"}
    job = make("one: it/x, make: [x, model/a]", "max_iter_num: 2")
    assert tree("it") == {
        f"{place}": place.split("/", 1)[1] if place.startswith("iter") else "model/a"
        for place in ("iter_1/x", "iter_2/x", "model/iter_1/a", "model/iter_2/a")
    }
    assert job.named_outputs["one"] == str(lab.folder / "it/iter_2/x")


def test_a_place_that_is_a_folder_fails_the_job_and_keeps_the_folder(make, last_run, lab):
    Path("out/x").mkdir(parents=True)
    Path("out/x/mine").write_text("m")
    with pytest.raises(JobError, match="out/x"):
        make("one: out/x, make: [x]")
    assert tree("out") == {"x/mine": "m"}
    assert lab.statuses(last_run()) == ["failed"]
    Path("out/x/mine").unlink()
    Path("out/x").rmdir()
    job = make("one: out/x, make: [x]")
    assert job.status == "cached"
    assert "Traceback" not in (job.folder / "log.txt").read_text()
