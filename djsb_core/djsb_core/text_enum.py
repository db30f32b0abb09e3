"""Enumerations whose members are texts."""

from __future__ import annotations

from enum import Enum


class TextEnum(str, Enum):
    """An enumeration whose members are shown as their values.

    The standard library's ``StrEnum`` came with Python 3.11; workers run on 3.10, too.
    """

    def __str__(self) -> str:
        """Return the value, in f-strings as well."""
        return str(self.value)
