"""trackio wants another pillow than all else that is tested: its tests have their own place."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[1]
ROOT = PLUGIN.parents[1]
PROJECTS = [
    ROOT,
    ROOT / "djsb_core",
    ROOT / "plugins/djsb_environments",
    ROOT / "plugins/djsb_report",
]
NEEDED = [
    *(word for project in PROJECTS for word in ("-e", project)),
    "-e",
    f"{PLUGIN}[trackio]",
    "pytest>=8,<10",
    "pytest-timeout>=2",
]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Build an environment with trackio from the package index; return its interpreter."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    uv = shutil.which("uv", path=beside)
    python = folder / "bin" / "python"
    create = [uv, "venv", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
    install = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    for command in ([*create, folder], [*install, "--quiet", *NEEDED]):
        subprocess.run(command, check=True)
    return python


@pytest.mark.skipif(find_spec("trackio") is not None, reason="its tests run here")
def test_trackio_in_an_environment_of_its_own(python):
    tests = Path(__file__).with_name("test_trackio.py")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}
    ran = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout
