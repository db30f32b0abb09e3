"""Experiments given as text."""

from pathlib import Path

import pytest

from djsb.config.reader import read_experiment


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Work in one folder, with the experiment in another."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def write_file(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write_file


@pytest.fixture
def read(write):
    """Return a function that reads an experiment given as text."""

    def read_text(text, *overrides):
        write("here/x.yaml", text)
        return read_experiment(Path("x.yaml"), overrides)

    return read_text


@pytest.fixture
def job(read):
    """Return a function that reads the only job, given in flow style."""

    def read_job(text, *overrides):
        experiment = read(f"execution_job_configs:\n- {text}\n", *overrides)
        assert experiment.problems == ()
        (spec,) = experiment.jobs
        return spec

    return read_job
