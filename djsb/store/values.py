"""Values as the store keeps them: in columns of SQLite, and per-sample values in files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from djsb.store.checked import samples_of
from djsb.store.records import FLOAT, to_json
from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_core.job.reports import SampleValues

NOT_FINITE = tuple(f"{FLOAT}{word}" for word in ("nan", "inf", "-inf"))


def column(value: object) -> object:
    """Return a value as SQLite can hold it: collections as JSON, other objects as text."""
    if value is None or isinstance(value, str | int | float):
        return value
    return to_json(value) if isinstance(value, dict | list | tuple) else str(value)


def storable(value: float | str) -> float | str:
    """Encode NaN and infinities as text: SQLite would return NaN as NULL."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return f"{FLOAT}{value}"
    return value


def restored(value: float | str) -> float | str:
    """Return a value that was encoded by :func:`storable`."""
    if value in NOT_FINITE:
        return float(str(value).removeprefix(FLOAT))
    return value


def read_samples(path: Path) -> SampleValues | None:
    """Read the per-sample values of a metric; ``None`` if a user deleted the file.

    :raises RequestError: if it is damaged
    """
    if not path.is_file():
        return None
    try:
        return samples_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"cannot read {path}: {error}") from error
