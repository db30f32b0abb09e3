"""Who decides whether a run is shown in a tracker."""

import os
from pathlib import Path

import pytest

from djsb_trackers.choice import is_installed, is_logged_in, is_wanted
from djsb_trackers.listeners import mlflow, tensorboard, trackio, wandb

TRACKERS = ("wandb", "trackio", "mlflow", "tensorboard")


def wanted(settings):
    return [tracker for tracker in TRACKERS if is_wanted(tracker, settings)]


@pytest.mark.parametrize(
    ("trackers", "variable", "shown"),
    [
        (None, None, []),
        (["trackio", "wandb"], None, ["wandb", "trackio"]),
        ("mlflow", None, ["mlflow"]),
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
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert wanted({}) == wanted({"trackers": ["wandb"]}) == []
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


def test_a_name_that_no_package_has_is_said_once(monkeypatch, caplog):
    monkeypatch.setenv("DJSB_TRACKERS", "wnadb,tensorboard")
    assert wanted({}) == wanted({}) == ["tensorboard"]
    assert [record.getMessage() for record in caplog.records] == [
        "DJSB_TRACKERS: no tracker 'wnadb' is installed"
    ]


def test_each_tracker_has_a_listener():
    assert [one._tracker for one in (wandb, trackio, mlflow, tensorboard)] == list(TRACKERS)
