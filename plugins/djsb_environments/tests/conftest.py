"""Environments of the tests: wanted without a file, kept in a folder of their own."""

import os
import subprocess
from pathlib import Path

import pytest

from djsb.planner.load import describe_settings
from djsb_core.discovery import find_component
from djsb_core.interfaces.isolation import EnvironmentSettingsError
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import PathContext
from djsb_environments.kept import Environments
from djsb_environments.wanted import wanted_environment


def want(settings, component=None, folders=None):
    """Return what the settings of a job with the evaluator ``mse`` ask for."""
    infos = [
        find_component(Kind.HOOK, "EvaluateDataHook"),
        find_component(Kind.DATA_EVALUATOR, "mse"),
    ]
    context = PathContext(folders) if folders else PathContext()
    return wanted_environment(settings, infos, component, context, describe_settings)


def refused(settings, **options):
    """Return the problems of settings: location as text, and sentence."""
    with pytest.raises(EnvironmentSettingsError) as caught:
        want(settings, **options)
    return [(".".join(map(str, at)), text) for at, text in caught.value.problems]


def ask(interpreter, code):
    """Run code as a worker would be, and return what it prints."""
    variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    ran = subprocess.run(
        [interpreter.python, "-P", "-s", "-c", code],
        env={**variables, **interpreter.variables, "PYTHONPATH": str(interpreter.importable)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def processes_naming(text):
    """List the command lines of living processes that name something."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes() if entry.name.isdecimal() else b""
        except OSError:
            continue
        if str(text).encode() in words:
            found.append(words)
    return found


@pytest.fixture
def fake_program(tmp_path, monkeypatch):
    """Return a function that puts a program first on ``PATH``: a text for ``sh``."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(name, script):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def environments(tmp_path):
    """Keep environments in an empty folder."""
    with Environments(tmp_path / "environments") as found:
        yield found


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Make one environment with uv, for all tests that only look at it."""
    with Environments(tmp_path_factory.mktemp("kept")) as found:
        wanted = want({"env": {"manager": "uv", "requirements": ["iniconfig==1.1.1"]}})
        said = []
        interpreter = found.make(wanted, said.append)
        yield found, wanted, interpreter, said
