"""Human-readable sizes, dates, durations, counts, lists and keys; JSON text for any file."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

UNITS = (1000, ("B", "kB", "MB", "GB", "TB"))
BINARY_UNITS = (1024, ("B", "KiB", "MiB", "GiB", "TiB"))

SHOWN_DIGITS = 12
"""Number of digits shown of a digest that names a folder."""

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters but newline and tab; separators of lines; what changes the direction."""

CONTROLS_AND_LINES = re.compile(f"{CONTROLS.pattern}|[\t\n]")


def json_text(value: object, indent: int | None = None) -> str:
    """Format plain data as JSON; what is not Unicode text, as in some file names, is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return text if is_encodable(text) else json.dumps(value, indent=indent)


def depth_of(value: object) -> int:
    """Count the levels of nested lists and mappings, and of what they hold; without recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            item
            for parent in level
            if isinstance(parent, dict | list)
            for item in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth


def encodable(text: str) -> str:
    """Return a text with escapes for what is not Unicode text."""
    return text.encode("utf-8", "backslashreplace").decode()


def visible(text: str, *, one_line: bool = False) -> str:
    r"""Return a text with escapes for what a terminal would obey: control characters.

    >>> print(visible("\x1b]0;title\x07"))
    \u001b]0;title\u0007

    :param one_line: also for newlines and tabs
    """
    pattern = CONTROLS_AND_LINES if one_line else CONTROLS
    return pattern.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def is_encodable(text: str) -> bool:
    """Return whether a text can be written: Python has strings that are not Unicode text."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def size_text(size: float, *, binary: bool = False) -> str:
    """Format a number of bytes with a suitable unit: ``12 B``, ``3.4 MB``.

    :param binary: in powers of 1024, as for memory: ``1.5 GiB``
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
    """Format a timestamp (seconds since the epoch) in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as ``30s``, ``12h`` or ``1.5 d``.

    :raises ValueError: if the text is not a duration
    """
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a duration; examples: 30d, 12h, 90m")
    return float(match[1]) * SECONDS[match[2]]


def short_key(key: str) -> str:
    """Return the first digits of a key, for display."""
    return key[:SHOWN_DIGITS]


def counted(count: int, singular: str, plural: str = "") -> str:
    """Return a count with its noun: ``1 job``, ``2,000 jobs``.

    :param plural: by default the singular with an ``s``
    """
    return f"{count:,} {singular if count == 1 else plural or f'{singular}s'}"


def quoted(values: Iterable[object]) -> str:
    """List values in quotes: ``'loss', 'accuracy'``."""
    return ", ".join(f"'{value}'" for value in values)
