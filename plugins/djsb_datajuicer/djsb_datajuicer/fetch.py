"""Gets a recipe's models before Data-Juicer would: an absent network is an error in seconds.

Data-Juicer's own downloads have neither a time limit nor a check, and the hub's client tries for
minutes.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from djsb_core.api import ComponentError, can_reach
from djsb_datajuicer.download import DownloadError, download
from djsb_datajuicer.sources import custom_files
from djsb_datajuicer.weights import Weight, list_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from djsb_datajuicer.recipe import RecipeConfig

NLTK = "nltk"
OFFLINE = "HF_HUB_OFFLINE"
REMEDY = "where there is a network: djsb weights RECIPE --download"


def fetch_models(recipe: RecipeConfig) -> None:
    """Get the files of a recipe that are missing; keep the hub's client from waiting for it.

    :raises ComponentError: if a file cannot be downloaded, or a hub model is missing and the hub
        cannot be reached
    """
    custom = custom_files(map(str, recipe.custom_operator_paths))
    weights = list_weights(recipe.operators, custom)
    for weight in weights:
        if not weight.exists and weight.is_published and not weight.is_hub_model:
            try:
                download(weight.urls, weight.path, weight.sha256)
            except DownloadError as error:
                raise ComponentError(
                    f"{weight.operator} needs {weight.label} at {weight.path}: {error}; {REMEDY}"
                ) from error
    _check_hub([weight for weight in weights if weight.is_hub_model])
    if any(weight.path.parent.name in ("taggers", "tokenizers") for weight in weights):
        _keep_nltk_offline()


def _check_hub(models: Sequence[Weight]) -> None:
    if not models or os.environ.get(OFFLINE):
        return
    from huggingface_hub import constants

    if can_reach(constants.ENDPOINT):
        return
    missing = next((model for model in models if not model.exists), None)
    if missing is not None:
        host = urlsplit(constants.ENDPOINT).hostname
        raise ComponentError(
            f"{missing.operator} needs the hub's model {missing.name}, which is not in "
            f"{missing.path.parent}, and {host} cannot be reached; {REMEDY}"
        )
    os.environ[OFFLINE] = "1"  # for worker processes
    constants.HF_HUB_OFFLINE = True


def _keep_nltk_offline() -> None:
    """Keep Data-Juicer from downloading again, at each use, what is there."""
    with suppress(ImportError):
        nltk: Any = importlib.import_module(NLTK)
        _Original.download = nltk.download
        nltk.download = lambda *_arguments, **_options: True


class _Original:
    """What :func:`fetch_models` has replaced."""

    download: Any = None


def undo_fetching() -> Iterator[Callable[[], None]]:
    """Yield a function that restores what :func:`fetch_models` changes."""
    from huggingface_hub import constants

    variable, offline = os.environ.get(OFFLINE), constants.HF_HUB_OFFLINE

    def undo() -> None:
        constants.HF_HUB_OFFLINE = offline
        os.environ.pop(OFFLINE, None)
        if variable is not None:
            os.environ[OFFLINE] = variable
        if _Original.download is not None:
            nltk: Any = sys.modules[NLTK]
            nltk.download = _Original.download
            _Original.download = None

    yield undo
