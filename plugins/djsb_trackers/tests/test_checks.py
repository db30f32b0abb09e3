import pytest

from djsb_core.interfaces.component import ComponentConfig
from djsb_trackers import checks
from djsb_trackers.trackers import TensorboardTracker, WandbTracker


@pytest.mark.parametrize(
    ("mode", "logged_in", "said", "ok"),
    [
        (None, True, "logged in to ", True),
        (None, False, "not logged in: runs are written to disk, for wandb sync", True),
        ("offline", True, "WANDB_MODE=offline", True),
        ("disabled", False, "WANDB_MODE=disabled", True),
        ("online", True, "logged in to ", True),
        ("online", False, "WANDB_MODE=online, but not logged in to ", False),
    ],
)
def test_where_runs_go(monkeypatch, mode, logged_in, said, ok):
    monkeypatch.delenv("WANDB_MODE", raising=False)
    if mode is not None:
        monkeypatch.setenv("WANDB_MODE", mode)
    monkeypatch.setattr(checks, "is_logged_in", lambda: logged_in)
    monkeypatch.setattr(checks, "is_installed", lambda library: True)
    (check,) = checks.list_checks()
    assert WandbTracker(ComponentConfig()).needs() == [check]
    assert check.finding.startswith(said)
    assert (check.ok, bool(check.remedy), check.required) == (ok, not ok, False)


def test_trackers_that_need_no_login_or_are_not_there_say_nothing(monkeypatch):
    monkeypatch.setattr(checks, "is_installed", lambda library: True)
    assert list(TensorboardTracker(ComponentConfig()).needs()) == []
    monkeypatch.setattr(checks, "is_installed", lambda library: False)
    assert checks.list_checks() == []
