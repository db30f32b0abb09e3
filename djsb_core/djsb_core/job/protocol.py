"""The messages between djsb and its worker processes: JSON objects, one per line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOKEN = "DJSB_WORKER"  # noqa: S105 (no password)
"""Environment variable that marks a worker's processes, also those that left its session."""

CHUNK = 1 << 20
"""Bytes read from a pipe at a time."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Write one message.

    The line break in front ends whatever a component has written to the pipe by mistake.

    :raises TypeError: if a value is no JSON
    :raises ValueError: likewise (a value that holds itself)
    """
    return b"\n" + json.dumps(message).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """Read one message; ``None`` if the line is none."""
    try:
        message = json.loads(line) if line.startswith(b"{") else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def write_all(descriptor: int, data: bytes) -> None:
    """Write to a pipe, however little it takes at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class LineSplitter:
    """Joins pieces that end anywhere to whole lines."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def split(self, piece: bytes) -> Iterator[bytes]:
        """Yield each line that this piece completes, without its line break."""
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = b"".join((*self._pieces, end))
            self._pieces = []
            yield line
        self._pieces.append(rest)
