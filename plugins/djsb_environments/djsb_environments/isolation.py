"""What djsb asks for: the environment that settings want, and those that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb_core.api import Isolation
from djsb_environments.kept import Environments, environments_root
from djsb_environments.wanted import wanted_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from djsb_core.api import (
        AnyComponent,
        ComponentInfo,
        DescribeErrors,
        PathContext,
        WantedEnvironment,
    )


class EnvironmentIsolation(Isolation):
    """Environments that are created once and kept in one folder for all experiments."""

    def root(self) -> Path:
        """Return ``DJSB_ENV_DIR``, else a folder in the user's cache folder."""
        return environments_root()

    def wanted(
        self,
        settings: Mapping[str, Any],
        infos: Sequence[ComponentInfo],
        component: type[AnyComponent] | None,
        context: PathContext,
        describe: DescribeErrors,
    ) -> WantedEnvironment | None:
        """Return the environment that ``extra_configs`` ask for; ``None``: the current one."""
        return wanted_environment(settings, infos, component, context, describe)

    def environments(self) -> Environments:
        """Open the environments that are kept."""
        return Environments()
