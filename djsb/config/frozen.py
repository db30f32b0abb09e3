"""Immutable settings: read-only mappings and tuples in place of dicts and lists."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any


def freeze(value: Any) -> Any:  # noqa: ANN401 (any settings)
    """Return nested settings in an immutable form."""
    if isinstance(value, dict):
        return MappingProxyType({key: freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple([freeze(item) for item in value])
    return value


def thaw(value: Any) -> Any:  # noqa: ANN401 (any settings)
    """Return a copy of nested settings as plain, mutable dicts and lists."""
    if isinstance(value, MappingProxyType | dict):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value
