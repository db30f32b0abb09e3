"""Read datasets, with errors that name file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, locate_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every row with its location, ``file:line``; for a folder, those of all its shards.

    :raises ComponentError: if a line is not a JSON object, or there is none
    """
    for file in _list_files(path):
        yield from locate_samples(file)


def read_texts(path: Path, key: str) -> list[str]:
    """Return the text of every row.

    :raises ComponentError: if there is no row, or a row has no text under ``key``
    """
    texts = [_text(row, key, place) for place, row in read_rows(path)]
    if not any(text.strip() for text in texts):
        raise ComponentError(f"{path}: no text under '{key}' to train on; the dataset is empty")
    return texts


def read_renamed(path: Path, renaming: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return every row with its keys renamed according to ``key_remapping``.

    :raises ComponentError: if there is no row, or a row lacks one of the keys
    """
    return [_rename(row, renaming, place) for place, row in read_rows(path)]


def _list_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    patterns = ("*.jsonl", "*.json", "*.jsonl.gz", "*.jsonl.zst", "*.csv", "*.parquet")
    files = sorted(file for pattern in patterns for file in path.glob(pattern))
    if not files:
        raise ComponentError(f"{path}: the folder contains no *.jsonl file")
    return files


def _text(row: dict[str, Any], key: str, place: str) -> str:
    text = row.get(key)
    if isinstance(text, str):
        return text
    if key in row:
        raise ComponentError(f"{place}: '{key}' must be a string, not {type(text).__name__}")
    raise ComponentError(f"{place}: no '{key}'; the row has {_names(row)}; set text_key")


def _rename(row: dict[str, Any], renaming: Mapping[str, str], place: str) -> dict[str, Any]:
    for key in renaming:
        if key not in row:
            raise ComponentError(f"{place}: no '{key}' to remap; the row has {_names(row)}")
    return {renaming.get(key, key): value for key, value in row.items()}


def _names(row: dict[str, Any]) -> str:
    return ", ".join(f"'{name}'" for name in row) or "no keys"
