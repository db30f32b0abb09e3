"""djsb-core installed alone, for each interpreter that it runs with."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from djsb_core.identity import JobId
from djsb_environments.venvs import find_uv

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Build djsb-core, as it is released."""
    build_wheel = runpy.run_path(str(ROOT / "tools" / "check_wheels.py"))["build_wheel"]
    return build_wheel(ROOT / "djsb_core", tmp_path_factory.mktemp("wheel"))[1]


@pytest.fixture(scope="session")
def alone(interpreter, wheel, tmp_path_factory):
    """Install djsb-core and what it requires in an environment of its own; return its Python."""
    folder = tmp_path_factory.mktemp("alone")
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    python, uv = folder / "bin" / "python", find_uv()
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", python, wheel]
    else:
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel]
    subprocess.run(command, check=True)
    return python


@pytest.fixture
def request_of_mse(tmp_path):
    """Return the request of a job with a component of djsb-core itself."""
    (tmp_path / "data.jsonl").write_text(
        "".join(json.dumps({"said": i, "true": i + 2}) + "\n" for i in range(5))
    )
    return {
        "hook": "EvaluateDataHook",
        "component": "mse",
        "dj_configs": None,
        "extra_configs": {
            "predicted_dataset_path": "data.jsonl",
            "ground_truth_dataset_path": "data.jsonl",
            "predicted_value_key": "said",
            "ground_truth_value_key": "true",
        },
        "id": vars(JobId("anonymous", "evaluation", 0, "job")),
        "folder": str(tmp_path),
        "log": str(tmp_path / "log.txt"),
        "lookup": [str(tmp_path)],
        "outputs": {},
        "placed": {},
        "metrics": {},
        "output_names": ["scores", "mse"],
    }
