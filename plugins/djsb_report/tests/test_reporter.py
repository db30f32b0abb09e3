"""Where a report is written, and what is said when it cannot be."""

import pytest
from click.testing import CliRunner

from djsb.cli import djsb
from djsb.records import write_report
from djsb_core.errors import RequestError
from djsb_report import reporter as module


@pytest.fixture
def invoke(store):
    def call(*arguments):
        return CliRunner().invoke(djsb, ["report", *map(str, arguments)], prog_name="djsb")

    return call


def test_into_the_folder_of_the_run_by_default(full, store, invoke):
    run = full().record
    ran = invoke("last", store.work_dir)
    path = run.folder / "report.html"
    assert ran.output == f"{path}\n"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [one.name for one in run.folder.iterdir() if "report" in one.name] == ["report.html"]


def test_anywhere_else_by_request(full, store, invoke, tmp_path):
    full()
    path = tmp_path / "new folder" / "x.html"
    ran = invoke("last", store.work_dir, "-o", path)
    assert ran.exit_code == 0, ran.output
    assert path.stat().st_size > 10_000


def test_against_another_run(full, store, invoke, tmp_path):
    first = full().record
    full()
    path = tmp_path / "x.html"
    ran = invoke("last", store.work_dir, "--against", first.id, "-o", path)
    assert ran.exit_code == 0, ran.output
    assert "Compared with the other run" in path.read_text()


@pytest.mark.parametrize("arguments", [["nope"], ["last", "--against", "nope"]])
def test_a_run_that_is_not_there(full, store, invoke, arguments):
    full()
    ran = invoke(*arguments[:1], store.work_dir, *arguments[1:])
    assert ran.exit_code == 2
    assert "no run 'nope'" in ran.output


def test_without_the_packages_one_message_with_the_command(full, store, invoke, monkeypatch):
    full()
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "jinja2" else name)
    ran = invoke("last", store.work_dir)
    assert ran.exit_code == 2
    assert ran.output == ("Error: a report needs jinja2; install it: pip install djsb-report\n")


def test_a_place_that_cannot_be_written(full, store, tmp_path):
    run = full().record
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=r"cannot write .*x.html: File exists"):
        write_report(store, run, path=tmp_path / "file" / "x.html")
    (tmp_path / "folder").mkdir()
    with pytest.raises(RequestError, match=r"cannot write .*folder"):
        write_report(store, run, path=tmp_path / "folder")
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".part")] == []


def test_text_that_is_no_unicode_can_be_written(full, store, tmp_path):
    run = full()
    given = store.work_dir / "given.jsonl"
    given.write_text(given.read_text().replace("sample 3", "sample \\udcff"))
    path = write_report(store, run.record, path=tmp_path / "x.html")
    assert "sample" in path.read_text(encoding="utf-8")


def test_a_note_on_the_command_line(full, invoke, tmp_path):
    run = full()
    path = tmp_path / "r.html"
    arguments = ("last", run.store.work_dir, "--note", "As expected.", "-o", path)
    assert invoke(*arguments).exit_code == 0
    assert "As expected." in path.read_text()


def test_the_place_is_taken_as_by_other_commands(full, store, invoke):
    path = full().record.folder / "report.html"
    for arguments in ([store.work_dir], ["-w", store.work_dir], ["last", "-w", store.work_dir]):
        assert invoke(*arguments).output == f"{path}\n"
    ran = invoke("nosuch.yaml")
    assert ran.exit_code == 2
    assert "no such experiment file or work_dir: 'nosuch.yaml'" in ran.output
