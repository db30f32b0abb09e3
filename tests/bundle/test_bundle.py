"""A run that is exported can be run again elsewhere, and is compared value by value."""

import json
import os
import zipfile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from djsb.bundle.export import SMALL
from djsb.cli import djsb

SETTINGS = {"type": "mse", "predicted_value_key": "p", "ground_truth_value_key": "t"}


def rows(*values):
    return "".join(f'{{"p": {value}, "t": 2}}\n' for value in values)


def job(name, data, **more):
    settings = {**SETTINGS, "predicted_dataset_path": data}
    return {"hook": "EvaluateDataHook", "meta_name": name, "extra_configs": settings, **more}


@pytest.fixture
def call():
    def invoke(*arguments):
        return CliRunner().invoke(djsb, [*map(str, arguments)], prog_name="djsb")

    return invoke


@pytest.fixture
def source(tmp_path, monkeypatch, call):
    """Return a function that runs an experiment in a folder of its own, and exports the run."""
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def make(experiment, *options, **files):
        for name, text in files.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "x.yaml").write_text(yaml.safe_dump({"work_dir": "w", **experiment}))
        ran = call("run", "x.yaml", "--workers", 0)
        assert ran.exit_code == 0, ran.output
        exported = call("export", "last", "w", "-o", tmp_path / "run.zip", *options)
        assert exported.exit_code == 0, exported.output
        return tmp_path / "run.zip", exported.output

    return make


@pytest.fixture
def elsewhere(tmp_path, monkeypatch, call):
    """Return a function that reproduces an export where nothing of its run is."""

    def reproduce(path, *options):
        (tmp_path / "mine").rename(tmp_path / "moved")
        (tmp_path / "other").mkdir()
        os.chdir(tmp_path / "other")
        return call("reproduce", path, "-o", tmp_path / "again", "--workers", 0, *options)

    return reproduce


def change(path, name, edit):
    """Replace one file of an export."""
    with zipfile.ZipFile(path) as archive:
        texts = {entry: archive.read(entry) for entry in archive.namelist()}
    texts[name] = edit(texts.get(name, b""))
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in texts.items():
            archive.writestr(entry, text)


def test_with_its_files_inside(source, elsewhere):
    settings = yaml.safe_dump({**SETTINGS, "predicted_dataset_path": "d/p.jsonl"})
    side = {"hook": "EvaluateDataHook", "meta_name": "side", "extra_configs": "s.yaml"}
    experiment = {
        "description": "Is it the same?",
        "evaluation_job_configs": [job("plain", "d/p.jsonl"), side, "j.yaml"],
    }
    files = {
        "d__p_jsonl": rows(1, 3),
        "s_yaml": settings,
        "j_yaml": yaml.safe_dump(job("file", "q.jsonl")),
        "q_jsonl": rows(5),
    }
    path, said = source(experiment, **files)
    assert "3 jobs, 2 inputs inside" in said
    again = elsewhere(path)
    assert again.exit_code == 0, again.output
    assert "Reproduced: of 9 values 9 are equal, 0 differ." in again.output


def test_pipelines_and_absolute_places(source, elsewhere, tmp_path):
    absolute = str(tmp_path / "mine" / "p.jsonl")
    pipelines = [{"a": {"evaluation_job_configs": [job("one", absolute)]}}, {"b": "b.yaml"}]
    stages = yaml.safe_dump({"evaluation_job_configs": [job("two", "p.jsonl")]})
    path, _ = source({"pipelines": pipelines}, p_jsonl=rows(1, 2), b_yaml=stages)
    again = elsewhere(path)
    assert again.exit_code == 0, again.output
    assert "of 6 values 6 are equal" in again.output


def test_large_data_is_found_by_its_content(source, elsewhere, tmp_path, call):
    large = rows(*range(SMALL // 15))
    path, said = source({"evaluation_job_configs": [job("j", "d/p.jsonl")]}, d__p_jsonl=large)
    assert "not inside, must be at hand: d/p.jsonl (" in said
    missing = elsewhere(path)
    assert missing.exit_code == 2
    assert "d/p.jsonl" in missing.output
    assert "--data FOLDER" in missing.output
    assert not (tmp_path / "again").exists()
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "p.jsonl").write_text(rows(1))
    arguments = ("reproduce", path, "-o", tmp_path / "again", "--workers", 0, "--data", folder)
    other = call(*arguments)
    assert other.exit_code == 2
    assert "p.jsonl has other content" in other.output
    (folder / "p.jsonl").write_text(large)
    assert call(*arguments).exit_code == 0


def test_all_data_inside_on_request(source, elsewhere):
    large = rows(*range(SMALL // 15))
    experiment = {"evaluation_job_configs": [job("j", "p.jsonl")]}
    path, said = source(experiment, "--with-data", p_jsonl=large)
    assert "1 input inside" in said
    assert elsewhere(path).exit_code == 0


def test_data_that_changed_since_the_run_is_not_inside(source, call, tmp_path):
    source({"evaluation_job_configs": [job("j", "p.jsonl")]}, p_jsonl=rows(1))
    Path("p.jsonl").write_text(rows(7))
    said = call("export", "last", "w", "-o", tmp_path / "late.zip")
    assert said.exit_code == 0
    assert "must be at hand: p.jsonl" in said.output


def test_what_differs_is_listed(source, elsewhere):
    path, _ = source({"evaluation_job_configs": [job("j", "p.jsonl")]}, p_jsonl=rows(1, 4))

    def edit(text):
        manifest = json.loads(text)
        metrics = manifest["expected"][0]["metrics"]
        metrics |= {"min_mse": metrics["min_mse"] * (1 + 1e-9), "mse.0": 7.5, "gone": 1.0}
        return json.dumps(manifest)

    change(path, "bundle.json", edit)
    change(path, "environment.json", lambda text: json.dumps({**json.loads(text), "python": "2.7"}))
    again = elsewhere(path)
    assert again.exit_code == 3
    lines = [line.split() for line in again.output.splitlines()]
    assert ["j", "mse.0", "7.5", "2.5"] in lines
    assert ["j", "gone", "1", "\N{EN DASH}"] in lines
    assert "Not reproduced: of 4 values 1 are equal, 1 but for rounding, 2 differ." in again.output
    assert "Packages that differ: Python 2.7 → 3" in again.output


@pytest.mark.usefixtures("lab")
def test_secrets_are_left_out_and_must_be_given(source, elsewhere, monkeypatch, call, tmp_path):
    secret = "sk-very-secret-7"  # noqa: S105
    echo = {"hook": "Echo", "meta_name": "e", "extra_configs": {"text": secret}}
    monkeypatch.setenv("SERVICE_API_KEY", secret)
    path, said = source({"execution_job_configs": [echo]})
    place = "execution_job_configs.0.extra_configs.text"
    assert f"left out, must be set: {place}" in said
    with zipfile.ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if secret.encode() in archive.read(name)]
    without = elsewhere(path)
    assert without.exit_code == 2
    assert f"--set {place}=" in without.output
    assert not (tmp_path / "again").exists()
    arguments = ("reproduce", path, "-o", tmp_path / "again", "--workers", 0)
    assert call(*arguments, "--set", f"{place}={secret}").exit_code == 0


def test_it_can_be_tried_again_where_nothing_ran(source, elsewhere, call, tmp_path):
    path, _ = source({"evaluation_job_configs": [job("j", "p.jsonl")]}, p_jsonl=rows(1))
    wrong = elsewhere(path, "--set", "max_iter_num=-1")
    assert wrong.exit_code == 2
    arguments = ("reproduce", path, "-o", tmp_path / "again", "--workers", 0)
    assert call(*arguments).exit_code == 0
    again = call(*arguments)
    assert (again.exit_code, "exists already" in again.output) == (2, True)


DAMAGES = {
    "bundle.json": [
        b"",
        b"{",
        b"[]",
        b'{"format": 2}',
        b'{"format": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
    "experiment.json": [b"", b"[]", b"{", b'"x"'],
    "environment.json": [b"[", b"7"],
    "../escape": [b"x"],
    "/etc/escape": [b"x"],
    "inputs/../../escape": [b"x"],
    "inputs\\..\\escape": [b"x"],
    "program.py": [b"x"],
}


@pytest.mark.parametrize(
    ("name", "data"), [(name, data) for name, all_of in DAMAGES.items() for data in all_of]
)
def test_a_file_of_anybody_is_refused_in_one_sentence(source, elsewhere, tmp_path, name, data):
    path, _ = source({"evaluation_job_configs": [job("j", "p.jsonl")]}, p_jsonl=rows(1))
    change(path, name, lambda _: data)
    again = elsewhere(path)
    assert again.exit_code == 2, again.output
    assert again.output.startswith("Error: ")
    assert "Traceback" not in again.output
    assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob("**/escape"))


def test_a_link_in_the_file_is_refused(source, elsewhere):
    path, _ = source({"evaluation_job_configs": [job("j", "p.jsonl")]}, p_jsonl=rows(1))
    entry = zipfile.ZipInfo("inputs/01/link")
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert elsewhere(path).exit_code == 2


def test_damaged_inputs_are_found(source, elsewhere, tmp_path):
    path, _ = source({"evaluation_job_configs": [job("j", "p.jsonl")]}, p_jsonl=rows(1))
    change(path, "inputs/01/p.jsonl", lambda text: text + b" ")
    again = elsewhere(path)
    assert (again.exit_code, "has other content" in again.output) == (2, True)
    assert not (tmp_path / "again").exists()


def test_what_is_no_archive(call, tmp_path):
    (tmp_path / "x.zip").write_text("no archive")
    said = call("reproduce", tmp_path / "x.zip", "-o", tmp_path / "again")
    assert (said.exit_code, "not an exported run" in said.output) == (2, True)


def test_a_folder_in_use_is_left_alone(source, call, tmp_path):
    path, _ = source({"evaluation_job_configs": [job("j", "p.jsonl")]}, p_jsonl=rows(1))
    said = call("reproduce", path, "-o", tmp_path / "mine")
    assert (said.exit_code, "exists already" in said.output) == (2, True)
