"""What a run tells a tracker's process, a line of JSON each."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Start(NamedTuple):
    """The run, before all else."""

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
    """The metric's: ``pipeline/meta_name.metric``."""
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
    """What is known about the run or a job besides metrics: how it ended, and when."""

    facts: dict[str, float | str]


class Settings(NamedTuple):
    """Settings that are given while the run goes on."""

    settings: dict[str, Any]
    """By dotted name, without secrets."""


class End(NamedTuple):
    """The end of the run, after all else."""

    status: str
    """``finished``, ``failed`` or ``interrupted``."""


Message = Start | Value | Artifact | Facts | Settings | End
_KINDS = {kind.__name__: kind for kind in (Start, Value, Artifact, Facts, Settings, End)}


def encode(message: Message) -> bytes:
    """Write a message as a line; NaN and infinities stay what they are."""
    line = json.dumps([type(message).__name__, *message], default=str)
    return line.encode() + b"\n"


def decode(line: bytes) -> Message:
    """Read a message from its line."""
    kind, *fields = json.loads(line)
    return _KINDS[kind](*fields)
