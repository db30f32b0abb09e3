"""The messages from a run to a tracker's process, one line of JSON per message."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Start(NamedTuple):
    """The start of the run, always the first message."""

    run_id: str
    project: str
    name: str
    folder: str
    """The run's folder, ``<work_dir>/runs/<run_id>``."""
    settings: dict[str, Any]
    """The experiment, without secrets."""
    group: str | None = None
    """Name of the sweep that the run belongs to."""


class Value(NamedTuple):
    """One value of one metric."""

    job: str
    """The job's name in the tracker: ``pipeline/meta_name``."""
    name: str
    """The metric's name in the tracker: ``pipeline/meta_name.metric``."""
    value: float | str
    step: int | None
    """Position in a series; ``None`` for a result."""
    time: float
    """Seconds since the epoch."""


class Artifact(NamedTuple):
    """A file to show."""

    job: str
    name: str
    kind: str
    """``histogram`` (JSON: n counts, n + 1 edges), ``image`` or ``video``."""
    path: str
    step: int | None
    time: float


class Facts(NamedTuple):
    """Facts about the run or a job other than metrics: its status and duration."""

    facts: dict[str, float | str]


class Settings(NamedTuple):
    """Settings added while the run is in progress."""

    settings: dict[str, Any]
    """By dotted name, without secrets."""


class End(NamedTuple):
    """The end of the run, always the last message."""

    status: str
    """``finished``, ``failed`` or ``interrupted``."""


Message = Start | Value | Artifact | Facts | Settings | End
_KINDS = {kind.__name__: kind for kind in (Start, Value, Artifact, Facts, Settings, End)}


def encode(message: Message) -> bytes:
    """Encode a message as a line; NaN and infinities are preserved."""
    line = json.dumps([type(message).__name__, *message], default=str)
    return line.encode() + b"\n"


def decode(line: bytes) -> Message:
    """Decode a message from its line."""
    kind, *fields = json.loads(line)
    return _KINDS[kind](*fields)
