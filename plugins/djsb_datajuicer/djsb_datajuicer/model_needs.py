"""What a recipe's models need before they can be used: files, downloads and API keys."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from djsb_core.api import CheckKind, DoctorCheck
from djsb_datajuicer.needs import prepared_models
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.sources import custom_files
from djsb_datajuicer.weights import Weight, list_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb_datajuicer.recipe import RecipeConfig

API = "api"
API_KEYS = ("OPENAI_API_KEY", "DASHSCOPE_API_KEY", "SK")
"""Environment variables in which Data-Juicer looks for the key of a model's API."""
REMEDY = (
    "set OPENAI_API_KEY, and OPENAI_BASE_URL for another endpoint; "
    "or model_params: {api_key: …, base_url: …} of the operators"
)
NAMED_FILES = {"mmlab", "opencv_classifier"}
"""Kinds of model whose files the recipe names."""


def model_needs(recipe: RecipeConfig) -> list[DoctorCheck]:
    """List the models of a recipe: existing or to be downloaded."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    checks = [_check_weight(weight) for weight in list_weights(recipe.operators, custom)]
    for place, kind, settings in _models(recipe):
        if kind in NAMED_FILES:
            checks += _check_files(place, settings)
    return checks


def api_keys(recipe: RecipeConfig) -> list[DoctorCheck]:
    """List the keys of the APIs that a recipe calls, set or not; they are not tried."""
    checks = (
        _check_key(settings)
        for _, kind, settings in _models(recipe)
        # With LiteLLM each provider reads its own variable.
        if kind == API and settings.get("api_backend") != "litellm"
    )
    return list(dict.fromkeys(checks))


def _models(recipe: RecipeConfig) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield place, kind and settings of each model that a recipe certainly prepares."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    for position, (name, arguments) in enumerate(recipe.operators):
        operator = operator_of(name, custom)
        for kind, settings in prepared_models(operator, arguments) if operator else ():
            yield f"process[{position}].{name}", kind, settings


def _check_weight(weight: Weight) -> DoctorCheck:
    is_lost = not (weight.exists or weight.is_hub_model or weight.is_published)
    if weight.exists:
        finding, remedy = f"loads {weight.label} from {weight.path}", ""
    elif is_lost:
        finding = f"needs the model {weight.name}, which is neither a folder here nor a hub's"
        remedy = "name a folder that exists, or a model as owner/name"
    else:
        what = "the hub's model" if weight.is_hub_model else "the weights"
        finding = f"needs {what} {weight.label}, to be downloaded to {weight.path}"
        remedy = "get them beforehand: djsb weights RECIPE --download"
    return DoctorCheck(
        weight.operator,
        ok=weight.exists,
        finding=finding,
        remedy=remedy,
        kind=CheckKind.FILE,
        required=is_lost,
        path=weight.path,
        size=weight.size,
    )


def _check_key(settings: Mapping[str, Any]) -> DoctorCheck:
    variable = next((name for name in API_KEYS if os.environ.get(name)), None)
    source = "model_params" if settings.get("api_key") else variable
    return DoctorCheck(
        f"API of {settings.get('model')}",
        ok=source is not None,
        finding=f"its key is in {source}" if source else "no key is set",
        remedy="" if source else REMEDY,
        kind=CheckKind.OTHER,
    )


def _check_files(place: str, settings: Mapping[str, Any]) -> list[DoctorCheck]:
    """Check that the files that the recipe names exist."""
    return [
        DoctorCheck(
            place,
            ok=False,
            finding=f"{key}: no such file or folder: {value}",
            kind=CheckKind.FILE,
        )
        for key, value in settings.items()
        if key.endswith(("path", "cfg")) and value and not os.path.exists(str(value))  # noqa: PTH110
    ]
