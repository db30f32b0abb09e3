"""The tracker interface: mirrors runs to a service such as wandb, chosen by name."""

from __future__ import annotations

from typing import ClassVar

from djsb_core.interfaces.component import Component, ComponentConfig


class Tracker(Component[ComponentConfig]):
    """Mirrors a run to a service while it runs; chosen by name under ``trackers:``.

    It is a listener: its methods marked with ``hookimpl`` receive the events of the runs that
    request it. It has no settings; it is configured by the usual environment variables of its
    service. If it fails, the run continues with a warning.
    """

    config_type: ClassVar[type[ComponentConfig]] = ComponentConfig

    @classmethod
    def is_default(cls) -> bool:
        """Return whether runs that name no trackers are shown in it.

        Called only if :data:`djsb_core.published.TRACKER_SIGNS` suggests that it is in use.
        """
        return False
