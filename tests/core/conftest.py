"""Interpreters of this machine that djsb-core runs with, and djsb-core installed alone in each."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from djsb_environments.venvs import find_uv

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def find_interpreter(version):
    """Return an interpreter of a version: this one, one on ``PATH``, or one of pyenv."""
    on_path = shutil.which(f"python{version}")
    pyenv = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
    for program in (sys.executable, on_path, *sorted(pyenv)):
        if program is not None and version_of(program) == version:
            return Path(program)
    return None


def version_of(program):
    code = "import sys; print('%s.%s' % sys.version_info[:2])"
    ran = subprocess.run([program, "-c", code], capture_output=True, text=True)
    return ran.stdout.strip()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """Build djsb-core, as it is released."""
    build_wheel = runpy.run_path(str(ROOT / "tools" / "check_wheels.py"))["build_wheel"]
    return build_wheel(ROOT / "djsb_core", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session", params=VERSIONS)
def alone(request, wheel, tmp_path_factory):
    """Install djsb-core and what it requires in an environment of its own; return its Python."""
    interpreter = find_interpreter(request.param)
    if interpreter is None:
        pytest.skip(f"there is no Python {request.param} on this machine")
    folder = tmp_path_factory.mktemp(f"alone-{request.param}")
    subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
    python, uv = folder / "bin" / "python", find_uv()
    if uv is not None:
        command = [uv, "pip", "install", "--quiet", "--python", python, wheel]
    else:
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", wheel]
    subprocess.run(command, check=True)
    return python


@pytest.fixture
def order(tmp_path):
    """Return the order of a job with a component of djsb-core itself."""
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
        "meta_name": "job",
        "pipeline": "anonymous",
        "stage": "evaluation",
        "iteration": 1,
        "folder": str(tmp_path),
        "log": str(tmp_path / "log.txt"),
        "lookup": [str(tmp_path)],
        "outputs": {},
        "placed": {},
        "metrics": {},
        "output_names": ["scores", "mse"],
    }
