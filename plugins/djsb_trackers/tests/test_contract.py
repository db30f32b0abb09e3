"""The contract of every tracker; the process that shows a run is left out."""

import pytest

from djsb_core.testing import TrackerContract
from djsb_trackers import shown
from djsb_trackers import tracker as module

from .test_tracker import Silent


@pytest.fixture(autouse=True)
def _no_process(monkeypatch):
    monkeypatch.setattr(shown, "Relay", Silent)
    monkeypatch.setattr(module, "is_installed", lambda library: True)


class TestWandb(TrackerContract):
    name = "wandb"


class TestTrackio(TrackerContract):
    name = "trackio"


class TestMlflow(TrackerContract):
    name = "mlflow"


class TestTensorboard(TrackerContract):
    name = "tensorboard"
