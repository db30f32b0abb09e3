"""Sizes, dates, durations and keys, as people read and write them."""

from __future__ import annotations

import re
import time

UNITS = (1000, ("B", "kB", "MB", "GB", "TB"))
BINARY_UNITS = (1024, ("B", "KiB", "MiB", "GiB", "TiB"))

SHOWN_DIGITS = 12
"""Of a digest that names a folder."""

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def size_text(size: float, *, binary: bool = False) -> str:
    """Write a number of bytes with the unit that a reader needs: ``12 B``, ``3.4 MB``.

    :param binary: in powers of 1024, as memory is counted: ``1.5 GiB``
    """
    base, (first, *units) = BINARY_UNITS if binary else UNITS
    if round(size, 1) < base:
        return f"{size:.0f} {first}"
    for unit in units:
        size /= base
        if round(size, 1) < base or unit == units[-1]:
            break
    return f"{size:.1f} {unit}"


def date(seconds: float) -> str:
    """Write a moment (seconds since the epoch) in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def parse_duration(text: str) -> float:
    """Read a duration as people write it, in seconds: ``30s``, ``12h``, ``1.5 d``.

    :raises ValueError: if it is none
    """
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a duration; write such as 30d, 12h or 90m")
    return float(match[1]) * SECONDS[match[2]]


def short_key(key: str) -> str:
    """Return the digits of a key that are shown."""
    return key[:SHOWN_DIGITS]
