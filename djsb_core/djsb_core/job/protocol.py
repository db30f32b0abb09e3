"""The messages between djsb and its worker processes: JSON objects, one per line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOKEN = "DJSB_WORKER"  # noqa: S105 (no password)
"""Environment variable that marks a worker's processes, including those that left its session."""

CHUNK = 1 << 20
"""Bytes read from a pipe at a time."""


def encode(message: Mapping[str, Any]) -> bytes:
    """Encode one message.

    The leading line break ends whatever a component has written to the pipe by mistake.

    :raises TypeError: if a value cannot be encoded as JSON
    :raises ValueError: if a value contains itself
    """
    return b"\n" + json.dumps(message).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """Decode one message; ``None`` if the line is not a message."""
    try:
        message = json.loads(line) if line.startswith(b"{") else None
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def write_all(descriptor: int, data: bytes) -> None:
    """Write all data to a pipe, in as many writes as it takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class LineSplitter:
    """Splits a stream of arbitrary pieces into lines."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def split(self, piece: bytes) -> Iterator[bytes]:
        """Yield each line that this piece completes, without the line break."""
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = b"".join((*self._pieces, end))
            self._pieces = []
            yield line
        self._pieces.append(rest)
