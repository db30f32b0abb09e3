"""Read datasets: JSON Lines, plain or compressed, and tables; errors name file and line."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from djsb_core import tables
from djsb_core.errors import ComponentError

if TYPE_CHECKING:
    from pathlib import Path

    import zstandard
    from typing_extensions import Buffer

CHUNK = 1 << 17
"""Bytes read from a compressed file at a time."""


def read_jsonl(
    path: Path, *, require: str | Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the samples of a file, one at a time.

    JSON Lines, of which blank ones are skipped; by the suffix also ``.csv``, ``.tsv``, a
    ``.json`` array and ``.parquet``. All but the last may be compressed (``.gz``, ``.zst``).

    :param require: field (or fields) that every sample must have; dots nest, as in :func:`query`
    :raises ComponentError: if the file cannot be read, a line is not a JSON object, a sample lacks
        a required field, or there is no sample at all
    """
    required = (require,) if isinstance(require, str) else tuple(require or ())
    for place, sample in locate_samples(path):
        for key in required:
            if not _has(sample, key):
                fields = ", ".join(map(str, sample)) or "none"
                raise ComponentError(f"{place}: no field '{key}'; fields: {fields}")
        yield sample


def locate_samples(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the samples of a file as :func:`read_jsonl` does, each with its place, ``file:line``.

    :raises ComponentError: as :func:`read_jsonl`
    """
    empty = True
    for place, sample in _samples(path):
        empty = False
        yield place, sample
    if empty:
        raise ComponentError(f"{path}: no sample in this file; expected one JSON object per line")


def _samples(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Choose the reader by the suffix, that of a compression apart."""
    name = path.name.removesuffix(".gz").removesuffix(".zst").lower()
    suffix = name[name.rfind(".") :] if "." in name else ""
    if suffix in tables.DELIMITERS:
        return tables.read_csv(path, tables.DELIMITERS[suffix], open_text)
    if suffix == tables.PARQUET:
        return tables.read_parquet(path)
    if suffix == ".json" and tables.starts_array(path, open_text):
        return tables.read_array(path, open_text)
    return _read_lines(path)


def _read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with _open_bytes(path) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.isspace():
                place = f"{path}:{number}"
                yield place, _parse(line, place)


def query(sample: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 (any JSON value)
    """Look up a field: by its full name first, then level by level at the dots.

    ``query({"a": {"b.c": 1}}, "a.b.c")`` is 1: names that contain dots work on every level.

    :raises KeyError: if there is no such field
    """
    if key in sample:
        return sample[key]
    parts = key.split(".")
    for length in range(1, len(parts)):
        inner = sample.get(".".join(parts[:length]))
        rest = ".".join(parts[length:])
        if isinstance(inner, Mapping) and _has(inner, rest):
            return query(inner, rest)
    raise KeyError(key)


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file for reading; ``.gz`` and ``.zst`` are decompressed on the fly.

    :raises ComponentError: if the file cannot be opened, decompressed or decoded
    """
    with _open_bytes(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig") as text:
        try:
            yield text
        except UnicodeDecodeError as error:
            raise ComponentError(f"{path}: not UTF-8 text: {error.reason}") from error


@contextmanager
def _open_bytes(path: Path) -> Iterator[BinaryIO]:
    damage: tuple[type[Exception], ...] = (gzip.BadGzipFile, EOFError, zlib.error)
    if path.suffix == ".zst":
        try:
            import zstandard
        except ImportError as error:
            raise ComponentError(
                f"{path}: reading .zst needs a package; install it: pip install zstandard"
            ) from error
        damage = (*damage, zstandard.ZstdError)
    try:
        stream = _decompressed(path)
    except OSError as error:
        raise ComponentError(f"{path}: cannot be read: {error.strerror}") from error
    # Not every OSError: one of the caller, such as a full disk, must not be blamed on this file.
    with stream:
        try:
            yield stream
        except damage as error:
            raise ComponentError(f"{path}: damaged archive: {error}") from error


def _decompressed(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path))
    if path.suffix == ".zst":
        return io.BufferedReader(_ZstdFrames(path), buffer_size=CHUNK)
    return path.open("rb")


class _ZstdFrames(io.RawIOBase):
    """Decompressed bytes of all frames of a ``.zst`` file.

    zstandard's own stream reader stops silently if a file is truncated; this one raises EOFError.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame: zstandard.ZstdDecompressionObj | None = None
        self._compressed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Buffer) -> int:
        while not self._ready:
            self._compressed = self._compressed or self._file.read(CHUNK)
            if not self._compressed:
                if self._frame is not None:
                    raise EOFError("it ends in the middle of a frame")
                return 0
            self._decompress()
        target = memoryview(buffer)
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _decompress(self) -> None:
        import zstandard

        frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        self._ready = memoryview(frame.decompress(self._compressed))
        self._compressed = frame.unused_data
        self._frame = None if frame.eof else frame


def _parse(line: bytes, place: str) -> dict[str, Any]:
    try:
        sample = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ComponentError(f"{place}: not UTF-8 text: {error.reason}") from error
    except json.JSONDecodeError as error:
        raise ComponentError(f"{place}: not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise ComponentError(f"{place}: not JSON: nested too deeply") from error
    if not isinstance(sample, dict):
        kind = type(sample).__name__
        raise ComponentError(f"{place}: a sample must be a JSON object, this is a {kind}")
    return sample


def _has(sample: Mapping[str, Any], key: str) -> bool:
    try:
        query(sample, key)
    except KeyError:
        return False
    return True
