"""What operators note about single rows, in this process and in worker processes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb_core.api import mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LONGEST = 200
"""Characters kept of an error."""
MOST_READ = 4000
"""Characters read of an error, which may hold a whole text."""
NEVER_A_ROW = (ImportError, MemoryError)
"""What an operator raises because of the machine, and not because of a row."""


class RowFailedError(Exception):
    """An operator fails on a row, and the recipe does not tolerate it."""

    def __init__(self, row: int, error: str) -> None:
        """Keep the row's position and the error in a form that can be sent between processes."""
        super().__init__(row, error)
        self.row = row
        self.error = error


class TooManyFailedError(Exception):
    """An operator fails on more rows than the recipe tolerates."""


def is_a(error: BaseException, kind: type[BaseException]) -> bool:
    """Return whether an error is of a kind; a worker process may send a copy of its class."""
    return type(error).__qualname__ == kind.__qualname__


def describe(error: BaseException) -> str:
    """Describe an error in one line."""
    words = "".join(
        letter if letter.isprintable() else ascii(letter)[1:-1]
        for letter in " ".join(mask(str(error)[:MOST_READ]).split())
    )
    text = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


@dataclass(frozen=True)
class Notes:
    """Notes about rows, in one file per process."""

    folder: Path

    def add(self, note: Mapping[str, Any]) -> None:
        """Keep a note."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(note, default=str) + "\n")

    def take(self) -> list[dict[str, Any]]:
        """Return all notes and remove them."""
        notes: list[dict[str, Any]] = []
        for path in sorted(self.folder.glob("*.jsonl")):
            notes += map(json.loads, path.read_text(encoding="utf-8").splitlines())
            path.unlink()
        return notes
