"""Counts the lines of JSON Lines files, plain or compressed, without parsing them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".jsonl", ".jsonl.gz")


def count_lines(path: Path) -> int:
    """Count the lines that are not blank."""
    with _opened(path) as file:
        return sum(1 for line in file if not line.isspace())


def has_lines(path: Path) -> bool:
    """Return whether any line is not blank."""
    with _opened(path) as file:
        return any(not line.isspace() for line in file)


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
