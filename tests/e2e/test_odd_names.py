"""Files and folders whose names are not Unicode text, and texts that no file can hold."""

import json
import os
import shutil
from pathlib import Path

import pytest

import djsb
from tests.support.experiments import SCORING

NAMES = [b"d\xff", b"caf\xe9 (latin-1)", b"\xed\xa0\x80"]


@pytest.fixture(params=NAMES, ids=ascii)
def odd(request, lab, monkeypatch):
    """A folder of such a name with an experiment of such a name."""
    folder = lab.folder / os.fsdecode(request.param)
    folder.mkdir()
    (folder / "data.jsonl").write_text('{"a": 1, "b": 2}\n{"a": 3, "b": 3}\n')
    (folder / "sandbox.yaml").write_text(SCORING)
    shutil.copy(folder / "sandbox.yaml", folder / os.fsdecode(request.param + b".yaml"))
    monkeypatch.chdir(folder)
    lab.folder = folder
    return lab


def test_every_command_works(odd):
    name = f"{odd.folder.name}.yaml"
    for arguments in (
        ["validate", name],
        ["run", name],
        ["run", "sandbox.yaml"],
        ["runs", "w"],
        ["show", "last", "w"],
        ["show", "last", "w", "--json"],
        ["compare", "last~1", "last", "-w", "w"],
        ["report", "last", "w"],
        ["cache", "ls", "w"],
        ["cache", "why", "eval", "w"],
        ["doctor", name],
    ):
        ran = odd.djsb(*arguments)
        assert ran.returncode == 0, f"{arguments}\n{ran.stdout}\n{ran.stderr}"
    assert "Traceback" not in ran.stderr
    again = odd.djsb("run", name)
    assert "1 of 1 job from the cache" in again.stdout
    assert djsb.open_run("last", "w").status == "finished"
    recorded = json.loads(next(Path("w/runs").glob("*/experiment.json")).read_text())
    assert recorded["project_name"] == "p"


def test_an_override_that_is_not_text_is_one_problem(odd):
    path = "evaluation_job_configs.0.extra_configs.predicted_dataset_path"
    name = os.fsdecode(b"\xff.jsonl")
    ran = odd.djsb("validate", "sandbox.yaml", "--set", f"{path}={name}")
    assert ran.returncode == 2
    assert "the value is not YAML" in ran.stderr
    (problem,) = djsb.validate("sandbox.yaml", {path: name})
    assert "no such file or folder" in problem.text


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb"])
def test_settings_that_are_not_text_are_recorded(odd, text):
    run = djsb.run("sandbox.yaml", {"project_name": text, "experiment_name": text})
    assert run.status == "finished"
    assert djsb.open_run("last", "w").status == "finished"
    assert odd.djsb("runs", "w").returncode == 0
