"""conda and mamba, through a program that records what it is told and does it with ``venv``.

Neither conda nor micromamba is on the package index. The argument lists are those of conda's
documentation of ``conda create``, ``conda env update``, ``conda install`` and ``conda env list``.
"""

import json
import sys
from pathlib import Path

import pytest

from djsb_core.testing import EnvironmentContract
from djsb_environments import conda
from djsb_environments.conda import CondaEnvironment, MambaEnvironment
from djsb_environments.kept import Environments
from djsb_environments.venvs import find_uv

from .conftest import ask, refused, want

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
SCRIPT = """
echo "$@" >> {log}
case "$1 $2" in
    "env list") echo '{listing}' ;;
    "create --yes") exec {uv} venv --quiet --seed --python {python} "$4" ;;
esac
"""


@pytest.fixture
def program(tmp_path, fake_program, monkeypatch):
    """Return a function that installs a fake manager, with the environments that it knows."""
    monkeypatch.delenv("CONDA_EXE", raising=False)

    def install(name, *folders):
        conda._list_environments.cache_clear()
        listing = json.dumps({"envs": [str(one) for one in folders]})
        log = tmp_path / "log.txt"
        return fake_program(
            name, SCRIPT.format(log=log, listing=listing, python=sys.executable, uv=find_uv())
        )

    yield install
    conda._list_environments.cache_clear()


def commands(manager, **settings):
    component = manager(manager.config_type(**settings))
    made = component.create(Path("/e"), Path("/r.txt"), Path("/c.txt"))
    return [" ".join(command) for command in made]


class TestConda(EnvironmentContract):
    name = "conda"

    @pytest.fixture(autouse=True)
    def installed(self, program):
        program("conda")


class TestMamba(EnvironmentContract):
    name = "mamba"

    @pytest.fixture(autouse=True)
    def installed(self, program):
        program("micromamba")


PIP = (
    "/e/bin/python -m pip install --disable-pip-version-check --no-input "
    "--requirement /r.txt --constraint /c.txt"
)


def test_the_commands_of_conda(program):
    path = program("conda")
    assert commands(CondaEnvironment) == [
        f"{path} create --yes --prefix /e python={HERE} pip",
        PIP,
    ]
    settings = {"python": "3.12", "channels": ["conda-forge"], "packages": ["ffmpeg", "gcc=13"]}
    assert commands(CondaEnvironment, **settings) == [
        f"{path} create --yes --prefix /e --channel conda-forge python=3.12 pip ffmpeg gcc=13",
        PIP,
    ]


def test_the_commands_for_a_file(program, tmp_path):
    path = program("conda")
    environment, packages = tmp_path / "environment.yml", tmp_path / "packages.txt"
    environment.write_text("dependencies: [ffmpeg, {pip: [six]}]\n")
    packages.write_text("ffmpeg\n")
    _, command, _ = commands(CondaEnvironment, file=environment)
    assert command == f"{path} env update --prefix /e --file {environment}"
    _, command, _ = commands(CondaEnvironment, file=packages, channels=["a"])
    assert command == f"{path} install --yes --prefix /e --channel a --file {packages}"


def test_micromamba_stands_in_for_mamba(program, tmp_path, monkeypatch):
    environment = tmp_path / "environment.yml"
    environment.write_text("dependencies: []\n")
    micromamba = program("micromamba")
    _, command, _ = commands(MambaEnvironment, file=environment)
    assert command == f"{micromamba} install --yes --prefix /e --file {environment}"
    mamba = program("mamba")
    assert commands(MambaEnvironment)[0].startswith(f"{mamba} create ")


def test_conda_is_found_where_its_shell_setup_names_it(program, monkeypatch):
    path = program("conda")
    monkeypatch.setenv("PATH", "/nowhere")
    assert CondaEnvironment.program() is None
    monkeypatch.setenv("CONDA_EXE", str(path))
    assert CondaEnvironment.program() == str(path)
    assert MambaEnvironment.program() is None


def test_an_environment_is_made_and_used(program, tmp_path):
    program("conda", "/opt/conda")
    wanted = want({"env_name": "clips", "env_params": {"env_py_version": HERE}})
    assert wanted.label == "clips"
    assert wanted.existing is None
    with Environments(tmp_path / "environments") as found:
        interpreter = found.make(wanted)
        (kept,) = found.entries()
    said = (tmp_path / "log.txt").read_text().splitlines()
    assert said == ["env list --json", f"create --yes --prefix {kept.folder} python={HERE} pip"]
    code = "import os, djsb_core, pydantic; print(os.environ['CONDA_PREFIX'])"
    assert ask(interpreter, code) == str(kept.folder)
    assert (kept.label, kept.manager) == ("clips", "conda")


def existing(folder):
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    return folder


@pytest.mark.parametrize(
    "settings", [{"env_name": "clips"}, {"env": {"manager": "conda", "name": "clips"}}]
)
def test_an_environment_is_found_by_its_name(program, tmp_path, settings):
    folder = existing(tmp_path / "envs" / "clips")
    program("conda", tmp_path, tmp_path / "envs" / "other", folder)
    wanted = want(settings)
    assert wanted.existing == folder
    assert wanted.label == "clips"
    variables = wanted.environment.variables(folder)
    assert (variables["CONDA_PREFIX"], variables["CONDA_DEFAULT_ENV"]) == (str(folder), "clips")


def test_an_environment_is_found_by_its_folder(tmp_path):
    folder = existing(tmp_path / "here")
    assert want({"env": {"manager": "conda", "path": str(folder)}}).existing == folder


@pytest.mark.parametrize(
    ("settings", "place", "sentence"),
    [
        ({"name": "clip"}, "env.name", "conda has no environment 'clip' with Python; did you mean"),
        ({"path": "empty"}, "env.path", "no bin/python"),
        ({"packages": ["--file=x"]}, "env.packages", "'--file=x' is not a valid name"),
        ({"channels": [" "]}, "env.channels", "' ' is not a valid name"),
        ({"file": "old.yml"}, "env", "old.yml pins Python 3.9, which is too old"),
        ({"file": "list.yml"}, "env", "no list 'dependencies'"),
        ({"file": "no.yml"}, "env.file", "no such file or folder: 'no.yml'"),
    ],
)
def test_wrong_settings_are_refused(program, tmp_path, settings, place, sentence):
    program("conda", tmp_path / "envs" / "clips")
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.yml").write_text("dependencies: [python=3.9, six]\n")
    (tmp_path / "list.yml").write_text("[six]\n")
    given = {"env": {"manager": "conda", **settings}}
    ((at, text),) = refused(given, folders=(tmp_path,))
    assert at == place
    assert sentence in text


def test_a_manager_that_cannot_list_is_named(fake_program, program):
    program("conda")
    fake_program("conda", "echo broken config >&2; exit 2")
    ((_, text),) = refused({"env": {"manager": "conda", "name": "x"}})
    assert text.endswith("conda env list --json failed: broken config")


def test_without_the_program_a_name_cannot_be_looked_up(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CONDA_EXE", raising=False)
    ((at, text),) = refused({"env": {"manager": "mamba", "name": "x"}})
    assert at == "env.name"
    assert text.startswith("mamba or micromamba is not installed; install Miniforge")
