"""The base class of components that run a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.api import Component, SampleLayout
from djsb_datajuicer.model_needs import api_keys, model_needs
from djsb_datajuicer.needs import package_needs
from djsb_datajuicer.recipe import RecipeConfig, recipe_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from djsb_core.api import DoctorCheck


LAYOUT = SampleLayout(dataset="dataset_path", text="text", added=("__dj__",))
"""Layout of Data-Juicer's datasets; all fields that it adds have the same prefix."""


class RecipeComponent(Component[RecipeConfig]):
    """A component whose config is a recipe."""

    config_type = recipe_type()
    neutral = frozenset({"np"})

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

    def reads(self) -> Sequence[Path]:
        """List the dataset's files and folders, and those of the recipe's custom operators."""
        return list(dict.fromkeys([*super().reads(), *self.config.sources]))
