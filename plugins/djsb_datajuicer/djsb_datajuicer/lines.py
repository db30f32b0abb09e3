"""Counts the lines of JSON Lines files, plain or gzipped, without parsing them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SUFFIXES = (".jsonl", ".jsonl.gz")


def count_lines(path: Path) -> int:
    """Count the lines that are not blank."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as file:
        return sum(1 for line in file if not line.isspace())
