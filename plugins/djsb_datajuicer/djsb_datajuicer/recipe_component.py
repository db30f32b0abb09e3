"""The base class of components that run a recipe."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from djsb_core.api import Component, SampleLayout
from djsb_datajuicer.failures import Notes
from djsb_datajuicer.ledger import Ledger
from djsb_datajuicer.model_needs import api_keys, model_needs
from djsb_datajuicer.named_files import environment_of, media_files, named_files
from djsb_datajuicer.package_needs import package_needs, packages_of
from djsb_datajuicer.recipe import RecipeConfig, recipe_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from djsb_core.api import DoctorCheck
    from djsb_datajuicer.ledger import Origin

NOTES = "rows"
"""Folder for what operators note about single rows while they run."""

LAYOUT = SampleLayout(dataset="dataset_path", text="text", added=("__dj__",))
"""Layout of Data-Juicer's datasets; all fields that it adds have the same prefix."""


class RecipeComponent(Component[RecipeConfig]):
    """A component whose config is a recipe."""

    config_type = recipe_type()
    neutral = frozenset(
        {
            "np",
            "open_monitor",
            "auto_op_parallelism",
            *(f"process.*.*.{name}" for name in ("num_proc", "auto_op_parallelism")),
        }
    )

    @property
    def reads_environment(self) -> Sequence[str]:  # type: ignore[override]
        """The variables that the recipe's operators read."""
        return environment_of(self.config)

    def check(self) -> Sequence[str]:
        """List what is missing; a key is part of where the job runs, not of the recipe."""
        keys = {need.sentence for need in api_keys(self.config)}
        return [problem for problem in super().check() if problem not in keys]

    def warnings(self) -> Sequence[str]:
        """List what will be downloaded, and the keys that are not set."""
        keys = [need.sentence for need in api_keys(self.config) if not need.ok]
        return [*super().warnings(), *keys]

    def needs(self) -> Sequence[DoctorCheck]:
        """List the packages, models and API keys that the recipe's operators use."""
        return [*package_needs(self.config), *model_needs(self.config), *api_keys(self.config)]

    @contextmanager
    def accounting(self, origin: Origin) -> Iterator[tuple[Ledger, Notes]]:
        """Keep account of the rows of a loaded dataset, and report those that were removed."""
        ledger = Ledger(origin, self.config.max_failed_share)
        try:
            yield ledger, Notes(self.workspace.folder / NOTES)
        finally:
            if ledger.steps:
                self.workspace.watcher.watch_dropped(ledger.report())

    def reads(self) -> Sequence[Path]:
        """List the dataset's files and folders, and whatever else the recipe names."""
        named = named_files(self.config)
        return list(dict.fromkeys([*super().reads(), *self.config.sources, *named]))

    def reads_many(self) -> Sequence[Path]:
        """List the images, audios and videos that the dataset's rows name."""
        return media_files(self.config)

    def uses_packages(self) -> Sequence[str]:
        """List the packages that the recipe's operators load."""
        return packages_of(self.config)
