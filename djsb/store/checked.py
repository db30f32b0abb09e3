"""Check what a store holds: a work_dir from someone else, or a damaged one, is only data."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.errors import RequestError
from djsb_core.job.reports import ArtifactKind, Point, SampleValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LONGEST_PATH = 4096
DEEPEST = 64
"""Maximum depth of nested JSON."""

FIRST, LAST = -62_135_596_800, 253_402_300_799
"""Seconds since the epoch: the years 1 to 9999."""

LARGEST = 2**31

Check = tuple["Callable[[Any], bool]", str]


class DamagedError(ValueError):
    """A value of a store is not one that djsb writes."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and -LARGEST < value < LARGEST


def is_path(value: object) -> bool:
    """Return whether a value is an absolute path that the system can take."""
    return (
        isinstance(value, str)
        and 0 < len(value) < LONGEST_PATH
        and value.startswith("/")
        and "\0" not in value
        and len(max(value.split("/"), key=len)) < 256  # noqa: PLR2004 (bytes of a name)
    )


TEXT: Check = (lambda value: isinstance(value, str), "a text")
COUNT: Check = (_is_count, "a small integer")
NUMBER: Check = (_is_number, "a number")
TIME: Check = (lambda value: _is_number(value) and FIRST < value < LAST, "a time")
PATH: Check = (is_path, "an absolute path")
FOLDER: Check = (lambda value: is_path(value) and len(Path(value).parents) > 1, "a folder's path")
METRIC: Check = (lambda value: isinstance(value, str | int | float), "a number or text")
PROCESS: Check = (lambda value: _is_count(value) and value > 0, "a process id")


def optional(check: Check) -> Check:
    """Return a check that accepts NULL as well."""
    accepts, name = check
    return (lambda value: value is None or accepts(value)), f"{name} or NULL"


RUN: Mapping[str, Check] = {
    **dict.fromkeys(("id", "project_name", "experiment_name", "experiment", "status"), TEXT),
    **dict.fromkeys(("reason", "sweep", "sweep_name"), optional(TEXT)),
    "settings": TEXT,
    "folder": FOLDER,
    "started": TIME,
    "seconds": optional(NUMBER),
    "pid": PROCESS,
}
JOB: Mapping[str, Check] = {
    **dict.fromkeys(("run_id", "pipeline", "stage", "meta_name", "hook", "status"), TEXT),
    **dict.fromkeys(("component", "package", "fingerprint", "source_run"), optional(TEXT)),
    **dict.fromkeys(("exports", "settings", "outputs", "error", "environment"), optional(TEXT)),
    **dict.fromkeys(("role", "declarations"), optional(TEXT)),
    **dict.fromkeys(("iteration", "position"), COUNT),
    "id": NUMBER,
    "folder": FOLDER,
    "files": optional(PATH),
    "started": TIME,
    "seconds": optional(NUMBER),
}
SWEEP: Mapping[str, Check] = {
    **dict.fromkeys(("id", "name", "project_name", "config"), TEXT),
    "created": TIME,
}
POINT: Mapping[str, Check] = {
    "name": TEXT,
    "value": METRIC,
    "step": optional(NUMBER),
    "seconds": NUMBER,
}
ARTIFACT: Mapping[str, Check] = {
    "name": TEXT,
    "kind": (lambda value: value in tuple(ArtifactKind), "a kind of file"),
    "step": optional(NUMBER),
    "path": PATH,
}
TARGET: Mapping[str, Check] = {
    **dict.fromkeys(("iteration", "met"), COUNT),
    "target": TEXT,
    "value": (
        lambda value: (
            isinstance(value, int | float) or value in ("float:nan", "float:inf", "float:-inf")
        ),
        "a number",
    ),
}


def check_row(row: sqlite3.Row | Mapping[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return the values of a row by column.

    :raises DamagedError: if one is of another kind than djsb writes
    """
    values = dict(row)
    for name, (accepts, kind) in checks.items():
        if name in values and not accepts(values[name]):
            raise DamagedError(f"{name} is not {kind}: {_cut(values[name])}")
    return values


def object_of(text: str | None, name: str) -> dict[str, Any]:
    """Read a JSON object; an empty one if there is no text.

    :raises DamagedError: if it is none, or nested too deeply
    """
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError(f"{name} is not JSON: {_cut(text)}") from error
    if not isinstance(value, dict):
        raise DamagedError(f"{name} is not a JSON object: {_cut(text)}")
    if text.count("[") + text.count("{") > DEEPEST and _is_deep(value):
        raise DamagedError(f"{name} is nested too deeply")
    return value


def _is_deep(value: object) -> bool:
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        items = (item.values() if isinstance(item, dict) else item for item in level)
        level = [one for item in items for one in item if isinstance(one, dict | list)]
    return bool(level)


def point_of(row: sqlite3.Row, restored: Callable[[Any], float | str]) -> Point:
    """Read one value of a metric; fast, because there may be many.

    :raises DamagedError: if it is not one that djsb writes
    """
    name, value, step, seconds = row
    if not (
        isinstance(name, str)
        and isinstance(value, str | int | float)
        and (step is None or isinstance(step, int))
        and isinstance(seconds, int | float)
    ):
        check_row(row, POINT)
    return Point(name, restored(value), step, seconds)


def samples_of(value: object) -> SampleValues:
    """Read the per-sample values of a metric.

    :raises DamagedError: if they are not as djsb writes them
    """
    match value:
        case {"values": list(values), "weights": list() | None as weights}:
            numbers = [*values, *(weights or ())]
            fits = weights is None or len(weights) == len(values)
            if fits and all(isinstance(number, int | float) for number in numbers):
                return SampleValues(values, weights)
    raise DamagedError("not one number per sample")


@contextmanager
def undamaged(database: Path) -> Iterator[None]:
    """Turn the error about a damaged value, or a damaged database, into one sentence.

    :raises RequestError: in its place
    """
    try:
        yield
    except (DamagedError, UnicodeError, sqlite3.DatabaseError) as error:
        if isinstance(error, sqlite3.OperationalError) and not str(error).startswith(OF_DAMAGE):
            raise  # the disk is full, or somebody else holds a lock
        raise RequestError(f"{database} is damaged, or was not written by djsb: {error}") from error


OF_DAMAGE = ("no such", "Could not decode")
"""Beginnings of operational errors that come from damage."""


def _cut(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 (characters)
