"""Enumerations whose members are strings."""

from __future__ import annotations

from enum import Enum


class TextEnum(str, Enum):
    """An enumeration whose members are shown as their values.

    The standard library's ``StrEnum`` requires Python 3.11; workers also run on 3.10.
    """

    def __str__(self) -> str:
        """Return the value, in f-strings as well."""
        return str(self.value)
