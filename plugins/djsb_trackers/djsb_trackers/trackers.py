"""The trackers that this package announces."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from djsb_trackers.login import is_logged_in
from djsb_trackers.tracker import MirroringTracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_core.api import DoctorCheck


class WandbTracker(MirroringTracker):
    """Shows a run in Weights & Biases: online if the user is logged in, otherwise on disk."""

    library: ClassVar[str] = "wandb"

    @classmethod
    def is_default(cls) -> bool:
        """Return whether the user has logged in, or set ``WANDB_MODE``."""
        return "WANDB_MODE" in os.environ or is_logged_in()

    @classmethod
    def is_switched_off(cls) -> bool:
        """Return whether ``WANDB_MODE`` is ``disabled``, as in wandb itself."""
        return os.environ.get("WANDB_MODE") == "disabled"

    def needs(self) -> Sequence[DoctorCheck]:
        """Check the login."""
        from djsb_trackers.checks import list_checks

        return list_checks()


class TrackioTracker(MirroringTracker):
    """Shows a run in trackio: a SQLite file for ``trackio show``, or a Space."""

    library: ClassVar[str] = "trackio"


class MlflowTracker(MirroringTracker):
    """Shows a run in MLflow, on the server or in the folder of ``MLFLOW_TRACKING_URI``."""

    library: ClassVar[str] = "mlflow"


class TensorboardTracker(MirroringTracker):
    """Writes a run as TensorBoard event files into the run's own folder."""

    library: ClassVar[str] = "tensorboard"
