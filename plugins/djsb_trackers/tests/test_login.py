"""Who decides whether a run is shown in a tracker."""

import os
from pathlib import Path

import pytest

from djsb.config.trackers import trackers_of_run
from djsb_core.discovery import load_component
from djsb_core.interfaces.kinds import Kind
from djsb_trackers.login import is_installed, is_logged_in
from djsb_trackers.trackers import WandbTracker

TRACKERS = ("wandb", "trackio", "mlflow", "tensorboard")


def wanted(settings):
    return trackers_of_run(settings.get("trackers"))


@pytest.mark.parametrize(
    ("trackers", "variable", "shown"),
    [
        (None, None, []),
        (["trackio", "wandb"], None, ["trackio", "wandb"]),
        (["mlflow"], None, ["mlflow"]),
        (["trackio"], "wandb", ["trackio"]),
        ([], "wandb", []),
        (None, "wandb, tensorboard", ["wandb", "tensorboard"]),
        (None, "", []),
    ],
)
@pytest.mark.parametrize("absent", [True, False])
def test_the_file_decides_then_the_variable(monkeypatch, trackers, variable, shown, absent):
    if variable is not None:
        monkeypatch.setenv("DJSB_TRACKERS", variable)
    settings = {} if absent and trackers is None else {"trackers": trackers}
    assert wanted(settings) == shown


def test_wandb_is_wanted_by_those_who_use_it(monkeypatch):
    assert wanted({}) == []
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert wanted({}) == ["wandb"]
    assert wanted({"trackers": []}) == []
    assert not WandbTracker.is_switched_off()
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert WandbTracker.is_switched_off()
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    assert wanted({}) == ["wandb"]
    monkeypatch.setenv("DJSB_TRACKERS", "")
    assert wanted({}) == []


@pytest.mark.parametrize("name", [".netrc", "_netrc", "elsewhere"])
def test_a_login_is_found_in_a_netrc(monkeypatch, name):
    path = Path(os.environ["HOME"], name)
    path.write_text("machine example.com login user password word\n")
    path.chmod(0o600)
    if name == "elsewhere":
        monkeypatch.setenv("NETRC", str(path))
    assert not is_logged_in()
    monkeypatch.setenv("WANDB_BASE_URL", "https://example.com/")
    assert is_logged_in()
    path.write_text("machine [")
    assert not is_logged_in()


def test_a_folder_named_as_the_library_is_no_library(site):
    """wandb itself writes into a folder ``wandb``."""
    (site / "djsb_no_library").mkdir()
    assert not is_installed("djsb_no_library")
    (site / "djsb_no_library" / "__init__.py").touch()
    (site / "djsb_a_library.py").touch()
    assert is_installed("djsb_a_library")
    assert not is_installed("djsb_nowhere")


@pytest.mark.parametrize("name", TRACKERS)
def test_each_tracker_is_announced_by_the_name_of_its_library(name):
    assert load_component(Kind.TRACKER, name).library == name
