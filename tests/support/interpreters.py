"""Interpreters of this machine, by the versions of Python that djsb-core runs with."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERSIONS = ("3.10", "3.11", "3.12", "3.13")


@pytest.fixture(scope="session", params=VERSIONS)
def interpreter(request):
    """Return an interpreter of each version; a version that is not here is skipped."""
    found = find_interpreter(request.param)
    if found is None:
        pytest.skip(f"there is no Python {request.param} on this machine")
    return found


def find_interpreter(version):
    """Return an interpreter of a version: this one, one on ``PATH``, or one of pyenv."""
    on_path = shutil.which(f"python{version}")
    pyenv = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
    for program in (sys.executable, on_path, *sorted(pyenv)):
        if program is not None and version_of(program) == version:
            return Path(program)
    return None


def version_of(program):
    """Ask an interpreter for its version: ``3.10``."""
    code = "import sys; print('%s.%s' % sys.version_info[:2])"
    ran = subprocess.run([program, "-c", code], capture_output=True, text=True)
    return ran.stdout.strip()
