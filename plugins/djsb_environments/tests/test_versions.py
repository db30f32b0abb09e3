"""A job in an environment with another Python than djsb's, asked for by the published keys."""

import os
import subprocess

import pytest

from djsb_core.errors import ConfigError
from djsb_environments.kept import Environments

EXPERIMENT = """
work_dir: w
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: compare
  output: [scores, mse]
  extra_configs:
    type: mse
    predicted_dataset_path: numbers.jsonl
    ground_truth_dataset_path: numbers.jsonl
    predicted_value_key: said
    ground_truth_value_key: true_value
    env_name: other-python
    env_manager: uv
    env_params: {{env_py_version: "{version}"}}
"""


@pytest.fixture
def numbers(lab):
    lab.write("numbers.jsonl", '{"said": 1, "true_value": 4}\n{"said": 2, "true_value": 2}\n')
    return lab


def test_a_job_runs_on_every_version_from_3_10_on(numbers, interpreter, monkeypatch):
    monkeypatch.setenv("PATH", f"{interpreter.parent}{os.pathsep}{os.environ['PATH']}")
    code = "import platform; print(platform.python_version())"
    version = subprocess.check_output([interpreter, "-c", code], text=True).strip()
    run = numbers.run(EXPERIMENT.format(version=version), workers=1, force=True)
    assert numbers.jobs(run)["compare"].outputs["mse"] == 4.5
    with Environments() as environments:
        assert version in {entry.python for entry in environments.entries()}


@pytest.mark.parametrize("version", ["3.9", "3.8"])
def test_an_older_one_is_refused_with_a_sentence(numbers, version):
    with pytest.raises(ConfigError) as caught:
        numbers.plan(EXPERIMENT.format(version=version))
    place = "evaluation_job_configs[0].extra_configs.env_params.env_py_version"
    assert str(caught.value) == (
        f"sandbox.yaml:15: {place}: Python {version} is too old: djsb also runs in the "
        f"environment, and needs 3.10 or newer"
    )
