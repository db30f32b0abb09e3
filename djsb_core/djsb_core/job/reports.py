"""What a job reports while it runs: values of metrics, files, and plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb_core.text_enum import TextEnum

if TYPE_CHECKING:
    from pathlib import Path

LOG, FILES = "log.txt", "files"
"""In a job's folder of the run: its output; (a link to) its working folder."""


@dataclass(frozen=True)
class Point:
    """One value of a metric."""

    name: str
    value: float | str
    step: int | None
    seconds: float


class ArtifactKind(TextEnum):
    """The content of a file that a job reported."""

    SAMPLES = "samples"
    """JSON: ``{"values": [one per sample], "weights": [one per sample] or null}``"""
    HISTOGRAM = "histogram"
    """JSON: ``edges`` (n + 1), ``counts`` (n), ``below``, ``above``, ``min``, ``max``"""
    IMAGE = "image"
    VIDEO = "video"
    DROPPED = "dropped"
    """JSON Lines: the rows of its input that the job's result lacks; see ``DropLog``."""


@dataclass(frozen=True)
class Artifact:
    """A file that a job reported along with its metrics."""

    name: str
    kind: ArtifactKind
    step: int | None
    path: Path


@dataclass(frozen=True)
class SampleValues:
    """A metric's value per sample, and its weights (tokens, bytes); see ``Watcher``."""

    values: list[float]
    weights: list[float] | None


def plain(value: object) -> Any:  # noqa: ANN401 (what JSON can hold)
    """Convert a value to what the store will return: mappings, lists, scalars, strings."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if hasattr(value, "tolist") and not isinstance(value, type):  # numpy and torch
        return plain(value.tolist())
    return str(value)
