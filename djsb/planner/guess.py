"""Guess the paths of a config that cannot be built before the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Mapping

ModelT = TypeVar("ModelT", bound=BaseModel)


def guess_config(model: type[ModelT], values: Mapping[str, Any]) -> ModelT:
    """Build a config from what is known, unvalidated; nested models included."""
    known: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        key = info.alias if info.alias and info.alias in values else name
        if key in values:
            known[key] = _nested(info.annotation, values[key])
    return model.model_construct(**known)


def _nested(annotation: Any, value: object) -> object:  # noqa: ANN401 (any annotation)
    if isinstance(value, dict):
        for candidate in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                return guess_config(candidate, value)
    return value
