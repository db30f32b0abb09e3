"""What is recorded of a run's surroundings."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from djsb.runner import facts
from djsb.runner.facts import machine_facts, packages, run_facts
from djsb.store.environment import read_environment
from djsb_core import __version__
from djsb_core.masking import Masker

MEMORY = Path("/proc/meminfo")


def found():
    return run_facts(Masker.of({}), machine_facts(), Path.cwd())


def test_versions_and_machine():
    known = found()
    assert (known["djsb"], known["python"]) == (__version__, platform.python_version())
    assert known["system"].startswith(platform.system())
    assert known["cpu_count"] == os.cpu_count()
    if MEMORY.is_file():
        assert known["memory"] == 1024 * int(MEMORY.read_text().split()[1])
    assert platform.node() not in map(str, known.values())


def test_packages_have_the_versions_that_are_installed():
    known = packages()
    assert {"djsb-core", "pydantic", "PyYAML"} <= known.keys()
    assert known == {name: importlib.metadata.version(name) for name in known}


def test_plugins_are_among_the_packages(install):
    install("djsb_goodpkg", "", "[djsb.listeners]\ngood = djsb_goodpkg\n")
    assert packages()["djsb_goodpkg"] == "1.0"


def test_a_package_of_other_metadata(install, tmp_path):
    install("djsb_odd", "", "[djsb.listeners]\nodd = djsb_odd\n")
    (metadata,) = tmp_path.glob("site-packages/*.dist-info/METADATA")
    text = "Metadata-Version: 2.1\nname: djsb-odd\nVERSION: 2\nRequires-Dist: click\n\nVersion: 3\n"
    metadata.write_text(text)
    assert packages()["djsb-odd"] == "2"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["djsb", "run", "x.yaml"], ["djsb", "run", "x.yaml"]),
        (["djsb", "--api-key=k1", "--limit=3"], ["djsb", "--api-key=***", "--limit=3"]),
        (["djsb", "--set", "a.b.api_key=k1"], ["djsb", "--set", "a.b.api_key=***"]),
        (["x.py", "--token", "k1", "k2"], ["x.py", "--token", "***", "k2"]),
        (["x.py", "--token=k1", "k2"], ["x.py", "--token=***", "k2"]),
        (["x.py", "from-env-1234"], ["x.py", "***"]),
        (["x.py", "https://u:pw@host/"], ["x.py", "https://u:***@host/"]),
    ],
)
def test_the_command_is_masked(monkeypatch, command, shown):
    monkeypatch.setenv("SOME_API_KEY", "from-env-1234")
    monkeypatch.setattr(sys, "argv", command)
    assert found()["command"] == shown


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "git_commit" not in found()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert "git_commit" not in found()
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert found()["git_commit"] == head.strip()
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert found()["git_commit"] == head.strip()
    monkeypatch.setenv("PATH", "")
    assert "git_commit" not in found()


def test_gpus_as_their_driver_names_them(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "GPUS", tmp_path)
    assert "gpus" not in found()
    for i in range(2):
        (tmp_path / str(i)).mkdir()
        text = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 35\nGPU UUID: \t GPU-1-2\n"
        (tmp_path / str(i) / "information").write_text(text)
    assert found()["gpus"] == ["NVIDIA H200"] * 2


def test_a_machine_that_tells_little(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "CPUS", tmp_path / "none")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: (_ for _ in ()).throw(OSError))
    known = found()
    assert not {"cpu", "distribution"} & known.keys()


def test_a_run_records_them(lab, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["djsb", "run", "sandbox.yaml"])
    run = lab.run(lab.echo("text: a"))
    known = read_environment(run.folder)
    assert known["command"] == ["djsb", "run", "sandbox.yaml"]
    assert known["working_directory"] == str(lab.folder)
    assert run.experiment_file == str(lab.folder / "sandbox.yaml")
    assert run.experiment == "sandbox.yaml"
