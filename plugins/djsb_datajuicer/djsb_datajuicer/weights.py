"""Names the model files that a recipe's operators need and that are not on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_datajuicer.needs import model_types
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.sources import custom_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb_datajuicer.operators import Operator
    from djsb_datajuicer.recipe import RecipeConfig

FILES = {
    "fasttext": "lid.176.bin",
    "fastsam": "{model_path}",
    "kenlm": "{lang}.arpa.bin",
    "sentencepiece": "{lang}.sp.model",
    "yolo": "{model_path}",
}
"""File of each kind of model (``MODEL_FUNCTION_MAPPING`` in Data-Juicer's ``model_utils``), made of
the operator's arguments."""


def absent_weights(recipe: RecipeConfig) -> list[str]:
    """Say, for each operator of a recipe, which model files it will have to fetch."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    return [
        f"process[{position}].{name} needs the weights {file}; Data-Juicer fetches them at their "
        f"first use: without a network put the file into {_folders()[-1]}"
        for position, (name, arguments) in enumerate(recipe.operators)
        if (operator := operator_of(name, custom)) is not None
        for file in sorted(_files(operator, arguments))
        if not any((folder / file).exists() for folder in _folders())
    ]


def _files(operator: Operator, arguments: Mapping[str, Any]) -> Iterator[str]:
    given = {key: value for key, value in arguments.items() if value is not None}
    known = {**{name: one.default for name, one in operator.parameters.items()}, **given}
    for kind in model_types(operator, arguments):
        try:
            yield FILES[kind].format_map(known)
        except KeyError:  # another kind of model, or an operator that names its file itself
            continue


def _folders() -> list[Path]:
    """List where Data-Juicer looks for model files; the last is where it puts them."""
    home = Path(os.environ.get("CACHE_HOME", "~/.cache"), "data_juicer")
    default = Path(os.environ.get("DATA_JUICER_CACHE_HOME", home), "models")
    more = os.environ.get("DATA_JUICER_EXTERNAL_MODELS_HOME", "").split(os.pathsep)
    last = os.environ.get("DATA_JUICER_MODELS_CACHE", default)
    places = [".", *(one.strip() for one in more if one.strip()), last]
    return [Path(one).expanduser() for one in places]
