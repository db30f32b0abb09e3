"""The isolation interface of djsb: configured and stored environments."""

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
    """Environments that are created once and stored in one folder for all experiments."""

    def root(self) -> Path:
        """Return ``DJSB_ENV_DIR``, or by default a folder in the user's cache folder."""
        return environments_root()

    def wanted(
        self,
        settings: Mapping[str, Any],
        infos: Sequence[ComponentInfo],
        component: type[AnyComponent] | None,
        context: PathContext,
        describe: DescribeErrors,
    ) -> WantedEnvironment | None:
        """Return the environment that ``extra_configs`` request; ``None`` for the current one."""
        return wanted_environment(settings, infos, component, context, describe)

    def environments(self) -> Environments:
        """Open the stored environments."""
        return Environments()
