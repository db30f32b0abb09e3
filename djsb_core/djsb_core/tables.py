"""Read datasets in CSV, JSON arrays and Parquet, with errors that name file and row."""

from __future__ import annotations

import csv
import json
import re
import sys
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TextIO

from djsb_core.errors import ComponentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Opener = Callable[[Path], AbstractContextManager[TextIO]]
    Located = Iterator[tuple[str, dict[str, Any]]]

DELIMITERS = {".csv": ",", ".tsv": "\t"}
PARQUET = ".parquet"
INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
# More digits are an identifier: text, so that it keeps them.
FLOAT = re.compile(
    r"(?![+-]?[0-9]{19})[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|nan|[+-]?inf",
    re.IGNORECASE,
)


def read_csv(path: Path, delimiter: str, opened: Opener) -> Located:
    """Yield the rows of a CSV file, each with its place.

    A column whose cells are all numbers, or empty, holds numbers and ``None``; any other text.

    :param opened: opens the file, compressed or not
    :raises ComponentError: if a row has more fields than the header
    """
    kinds = _kinds(path, delimiter, opened)
    for place, row in _read_cells(path, delimiter, opened):
        yield place, {name: kinds[name](cell) for name, cell in row.items()}


def _kinds(path: Path, delimiter: str, opened: Opener) -> dict[str, Callable[[str], Any]]:
    """Return what converts the cells of each column."""
    whole: dict[str, bool] = {}
    numbers: dict[str, bool] = {}
    filled: dict[str, bool] = {}
    for _, row in _read_cells(path, delimiter, opened):
        for name, cell in row.items():
            filled[name] = filled.get(name, False) or bool(cell)
            if cell:
                whole[name] = whole.get(name, True) and INTEGER.fullmatch(cell) is not None
                numbers[name] = numbers.get(name, True) and FLOAT.fullmatch(cell) is not None
    return {
        name: _integer if whole.get(name) else _number if numbers.get(name) else str
        for name in filled
    }


def _integer(cell: str) -> int | None:
    return int(cell) if cell else None


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _read_cells(path: Path, delimiter: str, opened: Opener) -> Iterator[tuple[str, dict[str, str]]]:
    csv.field_size_limit(sys.maxsize)  # a text may be longer than 128 kB
    with opened(path) as file:
        rows = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            names = next(rows, [])
            if len(set(names)) < len(names):
                raise ComponentError(f"{path}:1: a column name occurs twice")
            for cells in rows:
                place = f"{path}:{rows.line_num}"
                if not cells:
                    continue
                if len(cells) > len(names):
                    raise ComponentError(
                        f"{place}: {len(cells)} fields; the header has {len(names)}"
                    )
                yield place, dict(zip_longest(names, cells, fillvalue=""))
        except csv.Error as error:
            raise ComponentError(f"{path}:{rows.line_num}: not CSV: {error}") from error


def read_array(path: Path, opened: Opener) -> Located:
    """Yield the samples of a JSON array, each with its place.

    :param opened: opens the file, compressed or not
    :raises ComponentError: if the file is not a JSON array of objects
    """
    with opened(path) as file:
        try:
            items = json.load(file)
        except json.JSONDecodeError as error:
            text = f"{path}:{error.lineno}: not JSON: {error.msg} (column {error.colno})"
            raise ComponentError(text) from error
        except RecursionError as error:
            raise ComponentError(f"{path}: not JSON: nested too deeply") from error
    for number, item in enumerate(items, start=1):
        place = f"{path}: item {number}"
        if not isinstance(item, dict):
            kind = type(item).__name__
            raise ComponentError(f"{place}: a sample must be a JSON object, this is a {kind}")
        yield place, item


def starts_array(path: Path, opened: Opener) -> bool:
    """Tell whether the first character of a file that is not blank opens an array."""
    with opened(path) as file:
        while character := file.read(1):
            if not character.isspace():
                return character == "["
    return False


def read_parquet(path: Path) -> Located:
    """Yield the rows of a Parquet file, each with its place.

    :raises ComponentError: if it cannot be read, or pyarrow is not installed
    """
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ComponentError(
            f"{path}: reading .parquet needs a package; install it: pip install pyarrow"
        ) from error
    number = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}: row {number}", row
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())
        raise ComponentError(f"{path}: not a Parquet file: {reason}") from error
    except OSError as error:
        raise ComponentError(f"{path}: cannot be read: {error.strerror or error}") from error
