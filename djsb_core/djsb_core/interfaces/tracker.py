"""The tracker interface: mirrors runs to a service such as wandb, chosen by name."""

from __future__ import annotations

from typing import ClassVar

from djsb_core.interfaces.component import Component, ComponentConfig


class Tracker(Component[ComponentConfig]):
    """Shows a run elsewhere as it happens; chosen by name under ``trackers:``.

    It is a listener: those of its methods that are marked with ``hookimpl`` hear the moments of
    the runs that ask for it. It has no settings; what it needs to know comes from the environment
    variables that its users know. One that fails costs a run nothing but a warning.
    """

    config_type: ClassVar[type[ComponentConfig]] = ComponentConfig

    @classmethod
    def is_default(cls) -> bool:
        """Tell whether runs that name no trackers are shown in it.

        Asked only where :data:`djsb_core.published.TRACKER_SIGNS` has a sign that it is in use.
        """
        return False
