"""What all components that run a recipe have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.api import Component
from djsb_datajuicer.needs import missing
from djsb_datajuicer.recipe import RecipeConfig, recipe_type
from djsb_datajuicer.weights import absent_weights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class RecipeComponent(Component[RecipeConfig]):
    """A component whose config is a recipe."""

    config_type = recipe_type()

    def check(self) -> Sequence[str]:
        """Name the packages that the recipe's operators lack."""
        return missing(self.config)

    def notes(self) -> Sequence[str]:
        """Name the model files that the recipe's operators will have to fetch."""
        return absent_weights(self.config)

    def reads(self) -> Sequence[Path]:
        """List the data set's files and folders, and those of the recipe's own operators."""
        return list(dict.fromkeys([*super().reads(), *self.config.sources]))
