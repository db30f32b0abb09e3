"""Reads JSON Lines files, plain or gzipped, and says where a line is wrong."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIXES = (".jsonl", ".jsonl.gz")


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file that are not blank, each with its number from 1."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def row_of(line: bytes, place: str) -> dict[str, Any]:
    """Read the JSON object of one line.

    :param place: file and line, for the message
    :raises ComponentError: if the line holds anything else
    """
    try:
        row = json.loads(line)
    except ValueError as error:
        raise ComponentError(f"{place}: not a line of JSON: {error}") from error
    if not isinstance(row, dict):
        kind = type(row).__name__
        raise ComponentError(f"{place}: a line must hold one JSON object, not {kind}")
    return row
