"""Say how the columns of a folder's files differ: Data-Juicer reads only files with the same."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from djsb_core.api import read_jsonl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ROWS = 1000
"""Rows of a file that are looked at."""
SHOWN = 5
"""Differences that are named."""
KINDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a mapping",
}


def describe_difference(files: Sequence[Path]) -> str | None:
    """Name the first file whose columns differ from those of the first one; ``None`` if none do."""
    if not files:
        return None
    columns = _columns(files[0])
    for file in files[1:]:
        differences = list(_differences(columns, _columns(file)))
        if differences:
            more = ", …" if len(differences) > SHOWN else ""
            return (
                f"{file}: its columns differ from those of {files[0].name}: "
                f"{', '.join(differences[:SHOWN])}{more}; give all files the same columns, or "
                "process them in jobs of their own"
            )
    return None


def _columns(file: Path) -> dict[str, str]:
    """Return the columns of a file, each with the kind of its values."""
    columns: dict[str, str] = {}
    for row in islice(read_jsonl(file), ROWS):
        for name, value in row.items():
            columns[name] = columns.get(name) or _kind(value)
    return columns


def _kind(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    return KINDS.get(type(value), "")  # null has any kind


def _differences(first: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    absent = [f"'{name}' is missing" for name in first if name not in other]
    added = [f"'{name}' is added" for name in other if name not in first]
    changed = [
        f"'{name}' is {other[name]}, not {kind}"
        for name, kind in first.items()
        if kind and other.get(name) and other[name] != kind
    ]
    return [*changed, *absent, *added]
