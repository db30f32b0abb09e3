"""The sides of an interval."""

from __future__ import annotations

from djsb_core.text_enum import TextEnum


class BoundSide(TextEnum):
    """Which values a bound drops."""

    LOWER = "lower"
    """Values below it."""
    UPPER = "upper"
    """Values above it."""
