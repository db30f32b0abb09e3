"""The listeners that this package announces; each does nothing unless it is wanted."""

from __future__ import annotations

from djsb_trackers.doctor import CheckedListener

wandb = CheckedListener("wandb")
trackio = CheckedListener("trackio")
mlflow = CheckedListener("mlflow")
tensorboard = CheckedListener("tensorboard")
