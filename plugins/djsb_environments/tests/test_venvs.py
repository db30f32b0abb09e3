"""uv, venv and virtualenv: their commands, and environments that they really make."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from djsb_core.interfaces.kinds import Kind
from djsb_core.testing import EnvironmentContract
from djsb_environments import venvs
from djsb_environments.kept import Environments
from djsb_environments.venvs import UvEnvironment, VenvEnvironment, VirtualenvEnvironment

from .conftest import ask, want

FOLDER, NEEDS, PINS = Path("/e"), Path("/r.txt"), Path("/c.txt")


class TestUv(EnvironmentContract):
    name = "uv"


class TestVenv(EnvironmentContract):
    name = "venv"


class TestVirtualenv(EnvironmentContract):
    name = "virtualenv"

    @pytest.fixture(autouse=True)
    def program(self, fake_program):
        fake_program("virtualenv", "exit 1")


def commands(manager, **settings):
    component = manager(manager.config_type(**settings))
    return [list(command) for command in component.create(FOLDER, NEEDS, PINS)]


def missing(manager, **settings):
    return list(manager(manager.config_type(**settings)).check())


def test_uv_installs_without_pip_inside():
    uv = venvs.find_uv()
    install = [uv, "pip", "install", "--python", "/e/bin/python"]
    first, _, last = commands(UvEnvironment)
    assert first == [uv, "venv", "--python", sys.executable, "/e"]
    assert last == [*install, "--requirements", "/r.txt"]
    first, attempt, last = commands(UvEnvironment, python="3.12", constraints=["six<2"])
    assert first == [uv, "venv", "--python", "3.12", "/e"]
    pins = ["--constraints", "/c.txt"]
    assert attempt[:9] == [*install, "--quiet", "--offline", *pins]
    assert sorted(one.partition("<")[0].partition(">")[0] for one in attempt[9:]) == [
        "packaging",
        "pluggy",
        "pydantic",
        "stevedore",
    ]
    assert last == [*install, "--requirements", "/r.txt", *pins]


def test_uv_installs_from_the_index_what_it_has_not_cached(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with Environments(tmp_path / "environments") as found:
        interpreter = found.make(want({"env": {"manager": "uv"}}))
        (log,) = (found.root / "logs").iterdir()
    assert ask(interpreter, "import pydantic; print(1)") == "1"
    assert "--offline" in log.read_text()


PIP = [
    *("/e/bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"),
    *("--requirement", "/r.txt", "--constraint", "/c.txt"),
]


def test_venv_is_made_by_the_python_that_is_asked_for(fake_program):
    assert commands(VenvEnvironment) == [[sys.executable, "-m", "venv", "/e"], PIP]
    here = ".".join(map(str, sys.version_info[:3]))
    assert commands(VenvEnvironment, python=here)[0][0] == sys.executable
    other = fake_program("python3.99", "exit 1")
    assert commands(VenvEnvironment, python="3.99.1")[0][0] == str(other)
    assert missing(VenvEnvironment, python="3.99") == []


def test_virtualenv_is_a_program_or_a_module(fake_program, monkeypatch):
    module = [sys.executable, "-m", "virtualenv", "--python", "3.12", "/e"]
    assert commands(VirtualenvEnvironment, python="3.12") == [module, PIP]
    monkeypatch.setattr(venvs, "find_spec", lambda _: None)
    program = fake_program("virtualenv", "exit 1")
    assert commands(VirtualenvEnvironment, python="3.12") == [
        [str(program), "--python", "3.12", "/e"],
        PIP,
    ]


def test_what_is_missing_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(venvs, "find_spec", lambda _: None)
    venvs.find_uv.cache_clear()
    try:
        assert missing(UvEnvironment) == ["uv: command not found; pip install uv"]
    finally:
        venvs.find_uv.cache_clear()
    (said,) = missing(VirtualenvEnvironment)
    assert said == "virtualenv: command not found; pip install virtualenv"
    (said,) = missing(VenvEnvironment)
    assert "no ensurepip" in said
    (said,) = missing(VenvEnvironment, python="3.98")
    assert said.startswith("Python 3.98: not found on PATH, and this is 3.")
    assert "use `manager: uv`" in said


def test_an_existing_one_needs_no_manager(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(venvs, "find_spec", lambda _: None)
    assert missing(VirtualenvEnvironment, path=sys.prefix) == []


def test_venv_really_makes_one(tmp_path):
    settings = {"manager": "venv", "requirements": ["iniconfig"], "constraints": ["iniconfig<2"]}
    with Environments(tmp_path) as found:
        interpreter = found.make(want({"env": settings}))
    code = "from importlib.metadata import version; print(version('iniconfig'))"
    assert ask(interpreter, code).startswith("1.")


@pytest.mark.slow
def test_virtualenv_really_makes_one(tmp_path, monkeypatch):
    tool = tmp_path / "tool"
    subprocess.run([venvs.find_uv(), "venv", "-q", "--python", sys.executable, tool], check=True)
    subprocess.run(
        [venvs.find_uv(), "pip", "install", "-q", "--python", tool / "bin/python", "virtualenv"],
        check=True,
    )
    monkeypatch.setenv("PATH", f"{tool / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with Environments(tmp_path / "environments") as found:
        wanted = want({"env": {"manager": "virtualenv", "requirements": ["iniconfig==1.1.1"]}})
        interpreter = found.make(wanted)
    code = "from importlib.metadata import version; print(version('iniconfig'))"
    assert ask(interpreter, code) == "1.1.1"


def test_the_kinds_are_announced():
    from djsb_core.discovery import list_components

    names = {info.name for info in list_components(Kind.ENVIRONMENT.group)}
    assert {"uv", "venv", "virtualenv", "conda", "mamba"} <= names
