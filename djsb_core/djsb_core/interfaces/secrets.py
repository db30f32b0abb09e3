"""The settings that a component declares to be secret: fields of pydantic's secret types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, Secret, SecretBytes, SecretStr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECRET_TYPES = (SecretStr, SecretBytes, Secret)

NamedSecret = tuple[str, Any]
"""The name of a setting, and its value."""


def secrets_in(model: type[BaseModel], values: object) -> Iterator[NamedSecret]:
    """Yield the settings under fields of a secret type, nested models included."""
    if not isinstance(values, Mapping):
        return
    for name, field in model.model_fields.items():
        keys = {name, field.alias, field.validation_alias} & values.keys()
        for key in keys:
            yield from _secrets(field.annotation, str(key), values[key])


def _secrets(annotation: Any, name: str, value: object) -> Iterator[NamedSecret]:  # noqa: ANN401
    """Yield what a value holds where its type is secret."""
    if isinstance(annotation, type) and issubclass(annotation, SECRET_TYPES):
        if isinstance(value, str | int | float) and value != "":
            yield name, value
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from secrets_in(annotation, value)
    else:
        for argument in get_args(annotation):
            for key, item in ((name, value), *_items(name, value)):
                yield from _secrets(argument, key, item)


def _items(name: str, value: object) -> Iterable[NamedSecret]:
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in value.items()]
    return [(name, item) for item in value] if isinstance(value, list | tuple) else []
