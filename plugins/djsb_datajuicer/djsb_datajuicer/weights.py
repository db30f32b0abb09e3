"""Lists the model files that a recipe's operators need, and whether they exist on this machine."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.api import check_file
from djsb_datajuicer.needs import model_types
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.sources import custom_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb_core.api import DoctorCheck
    from djsb_datajuicer.operators import Operator
    from djsb_datajuicer.recipe import RecipeConfig

FILES = {
    "fasttext": "lid.176.bin",
    "fastsam": "{model_path}",
    "kenlm": "{lang}.arpa.bin",
    "sentencepiece": "{lang}.sp.model",
    "yolo": "{model_path}",
}
"""File of each kind of model (``MODEL_FUNCTION_MAPPING`` in Data-Juicer's ``model_utils``), as a
template of the operator's arguments."""


def weight_needs(recipe: RecipeConfig) -> list[DoctorCheck]:
    """List the model files that the operators of a recipe use, existing or to be downloaded."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    return [
        replace(_check(f"process[{position}].{name}", file), location=("process", position, name))
        for position, (name, arguments) in enumerate(recipe.operators)
        if (operator := operator_of(name, custom)) is not None
        for file in sorted(_files(operator, arguments))
    ]


def _check(subject: str, file: str) -> DoctorCheck:
    folders = _folders()
    place = next((folder for folder in folders if (folder / file).exists()), folders[-1])
    return check_file(
        subject,
        place / file,
        f"needs the weights {file}; Data-Juicer downloads them at their first use",
        f"without a network, put the file into {place}",
        required=False,
    )


def _files(operator: Operator, arguments: Mapping[str, Any]) -> Iterator[str]:
    explicit = {key: value for key, value in arguments.items() if value is not None}
    values = {
        **{name: parameter.default for name, parameter in operator.parameters.items()},
        **explicit,
    }
    for kind in model_types(operator, arguments):
        try:
            yield FILES[kind].format_map(values)
        except KeyError:  # another kind of model, or an operator that sets its file itself
            continue


def _folders() -> list[Path]:
    """List where Data-Juicer looks for model files; it downloads them to the last folder."""
    home = Path(os.environ.get("CACHE_HOME", "~/.cache"), "data_juicer")
    default = Path(os.environ.get("DATA_JUICER_CACHE_HOME", home), "models")
    more = os.environ.get("DATA_JUICER_EXTERNAL_MODELS_HOME", "").split(os.pathsep)
    last = os.environ.get("DATA_JUICER_MODELS_CACHE", default)
    places = [".", *(folder.strip() for folder in more if folder.strip()), last]
    return [Path(folder).expanduser() for folder in places]
