"""Describe what is wrong with a value: its key, the problem, what would be right."""

from __future__ import annotations

import re
import types
import typing
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from djsb_core.errors import suggest
from djsb_core.interfaces.secrets import secrets_in
from djsb_core.masking import MASK, is_secret_name
from djsb_core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from djsb_core.problems import Location

SHORT = 60
UNKNOWN_KEY = "unknown key"


def describe_errors(
    error: ValidationError, model: type[BaseModel], values: object
) -> Iterator[Problem]:
    """List the problems of a pydantic validation, each once, with its location in ``values``.

    A value that may be of several types fails once for each of them; the messages for one location
    are joined, or the most helpful one is kept.
    """
    places: dict[Location, dict[Problem, bool]] = {}
    declared = {name for name, _ in secrets_in(model, values)}
    for details in error.errors():
        location = _location_in(values, details)
        text, remedy = _describe(details, model)
        names = {str(part).rpartition(".")[2] for part in location}
        if declared & names or any(map(is_secret_name, names)):
            text = text.replace(_show(details["input"]), MASK)
        problem = Problem(text, remedy, location=location)
        places.setdefault(location, {}).setdefault(problem, _explains(details))
    for location, explained in places.items():
        if any(other != location and other[: len(location)] == location for other in places):
            continue  # a nested location is more precise
        best = max(explained.values())
        problem, *others = (problem for problem, explains in explained.items() if explains == best)
        if others:
            text = " or ".join(problem.sentence for problem in (problem, *others))
            problem = Problem(text, location=location)
        yield problem


def _location_in(values: object, details: ErrorDetails) -> Location:
    """Keep the keys and indices of the file: pydantic also names the branches of unions."""
    location: list[str | int] = []
    tree: Any = values
    for i, part in enumerate(details["loc"]):
        last = i == len(details["loc"]) - 1
        if _has_part(tree, part):
            tree = tree[part]
        elif not (last and details["type"] == "missing"):
            continue
        location.append(part)
    return tuple(location)


def _has_part(tree: object, part: str | int) -> bool:
    if isinstance(tree, dict):
        return part in tree
    return isinstance(tree, list | tuple) and isinstance(part, int) and part < len(tree)


def _describe(details: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    """Return the problem, and what would be right if that is known separately."""
    kind, value = details["type"], details["input"]
    if kind == "extra_forbidden":
        known = _known_keys(model, details["loc"][:-1])
        return UNKNOWN_KEY, suggest(details["loc"][-1], known)
    if kind == "missing":
        return "missing; it is required", ""
    message = details["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be ", "should be ", 1)
    message = re.sub(r"valid dictionary( or instance of \w+)?", "mapping", message)
    if not _explains(details) and "'" not in message:
        message = f"{message}, not {_show(value)}"
    return message, ""


def _explains(details: ErrorDetails) -> bool:
    """Return whether a problem's message explains what would be right.

    Those of validators do; pydantic's own have a page in its documentation instead.
    """
    return details["type"] in {"value_error", "extra_forbidden"} or "url" not in details


def _show(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """List the keys of the (nested) model at a location; empty if unknown."""
    current: Any = model
    for part in location:
        models = list(_models_in(current))
        fields = next((m.model_fields for m in models if part in m.model_fields), None)
        if fields is None:
            continue  # an index, or the name of a union's branch
        current = fields[str(part)].annotation
    return [
        info.alias or name
        for candidate in _models_in(current)
        for name, info in candidate.model_fields.items()
    ]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 (any annotation)
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for argument in typing.get_args(annotation):
        yield from _models_in(argument)


@lru_cache(maxsize=1024)
def unknown_setting(model: type[BaseModel], key: tuple[str, ...]) -> tuple[str, str] | None:
    """Describe the part of a dotted setting that a model lacks, and suggest one.

    ``None`` if the model has all parts, or if that is unknown.

    :param key: ``("train", "optimizer", "lr")``
    """
    current: Any = model
    for part in key:
        if part.isdecimal():
            continue  # an item of a list: the enclosing annotation gives its type
        models = _only_models(current)
        if not models or any(_accepts_more(candidate) for candidate in models):
            return None
        fields: dict[str, Any] = {}
        for candidate in models:
            for name, info in candidate.model_fields.items():
                fields |= dict.fromkeys((name, info.alias or name), info.annotation)
        if part not in fields:
            return f"unknown setting '{part}'", suggest(part, fields)
        current = fields[part]
    return None


def _accepts_more(model: type[BaseModel]) -> bool:
    """Return whether a model may accept keys that are not its fields."""
    validators = model.__pydantic_decorators__.model_validators.values()
    return (
        model.model_config.get("extra") != "forbid"
        or any(validator.info.mode != "after" for validator in validators)
        or any(info.validation_alias != info.alias for info in model.model_fields.values())
    )


def _only_models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 (any annotation)
    """List the models of an annotation; none if the value may also be something else."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _only_models(arguments[0])
    if origin in {typing.Union, types.UnionType, list, tuple}:
        branches = [
            _only_models(argument) for argument in arguments if argument not in {type(None), ...}
        ]
        return [model for models in branches for model in models] if all(branches) else []
    return list(_models_in(annotation)) if origin is None else []
