"""Which trackers a run is shown in, and what is imported to find out."""

import sys

import pytest

from djsb import SandboxWatcher
from djsb.config import trackers
from djsb.config.trackers import check_variable, requested_trackers, trackers_of_run
from djsb_core.errors import RequestError

SOURCE = """
    from djsb_core.api import Tracker, hookimpl

    class Board(Tracker):
        heard = []

        @classmethod
        def is_default(cls):
            {default}

        @hookimpl
        def djsb_run_finished(self, run_id):
            self.heard.append(run_id)
"""


@pytest.fixture
def board(install, monkeypatch, tmp_path):
    """Return a function that installs the tracker ``board``, in use where BOARD_KEY is set."""
    monkeypatch.setattr(trackers, "TRACKER_SIGNS", {"board": ("BOARD_KEY", "~/.board")})
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DJSB_TRACKERS", "BOARD_KEY"):
        monkeypatch.delenv(name, raising=False)

    def add(default="return True"):
        source = SOURCE.format(default=default)
        install("boardpkg", source, "[djsb.trackers]\nboard = boardpkg:Board\n")

    return add


@pytest.mark.parametrize(
    ("named", "variable", "requested"),
    [
        (None, None, []),
        (["one", "two"], "three", ["one", "two"]),
        ([], "three", []),
        (None, " three, four,,", ["three", "four"]),
        (None, "", []),
    ],
)
def test_the_experiment_decides_then_the_variable(board, monkeypatch, named, variable, requested):
    if variable is not None:
        monkeypatch.setenv("DJSB_TRACKERS", variable)
    assert requested_trackers(named) == trackers_of_run(named) == requested


def test_without_a_sign_nothing_is_imported(board):
    board()
    assert trackers_of_run(None) == []
    assert "boardpkg" not in sys.modules


@pytest.mark.parametrize("sign", ["variable", "file"])
def test_with_a_sign_the_tracker_is_asked(board, monkeypatch, tmp_path, sign):
    board()
    if sign == "variable":
        monkeypatch.setenv("BOARD_KEY", "x")
    else:
        (tmp_path / ".board").touch()
    assert trackers_of_run(None) == ["board"]
    assert trackers_of_run([]) == []
    monkeypatch.setenv("DJSB_TRACKERS", "")
    assert trackers_of_run(None) == []


@pytest.mark.parametrize("default", ["return False", "1 / 0", "raise SystemExit(1)"])
def test_a_tracker_that_is_not_in_use_or_fails_is_none(board, monkeypatch, default):
    board(default)
    monkeypatch.setenv("BOARD_KEY", "x")
    assert trackers_of_run(None) == []


def test_a_sign_of_a_tracker_that_is_not_installed_is_nothing(board, monkeypatch):
    monkeypatch.setenv("BOARD_KEY", "x")
    assert trackers_of_run(None) == []


def test_a_name_of_the_variable_must_be_known(board, monkeypatch, tmp_path):
    board()
    monkeypatch.setenv("DJSB_TRACKERS", "board,bord")
    message = "^DJSB_TRACKERS: unknown tracker 'bord'; did you mean 'board'\\?$"
    with pytest.raises(RequestError, match=message):
        check_variable()
    with pytest.raises(RequestError, match=message):
        SandboxWatcher(tmp_path / "work", "project", "experiment")
    assert not (tmp_path / "work").exists()


def test_a_script_is_shown_in_the_trackers_of_the_variable(board, monkeypatch, tmp_path):
    board()
    monkeypatch.setenv("DJSB_TRACKERS", "board")
    with SandboxWatcher(tmp_path / "work", "project", "experiment") as watcher:
        watcher.watch(0.5, "train.loss")
    assert sys.modules["boardpkg"].Board.heard == [watcher.id]
