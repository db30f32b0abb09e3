"""The listeners that this package announces; each does nothing unless it is wanted."""

from __future__ import annotations

from djsb_trackers.listener import TrackerListener

wandb = TrackerListener("wandb")
trackio = TrackerListener("trackio")
mlflow = TrackerListener("mlflow")
tensorboard = TrackerListener("tensorboard")
