"""Digests of what files and folders hold."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from typing import TYPE_CHECKING

from djsb.cache.memory import DigestMemory
from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

ABSENT = "absent"
"""In place of the digest of what does not exist, or is neither file nor folder."""

FRESH = 2 * 10**9
"""Nanoseconds: a file modified less long ago may change again and keep its time stamp."""

BROKEN = (errno.ELOOP, errno.ENAMETOOLONG)
"""What the system says of links that lead to themselves, and of names that cannot exist."""

Found = tuple[str, str, os.stat_result | None]
"""What a walk finds: path below the folder, whole path, state (None where nothing is there)."""


class Digests:
    """Content digests of files and folders, remembered by path, size, time stamp and inode."""

    def __init__(self, database: Path) -> None:
        """Remember digests in a file of their own; without it, they are only computed."""
        self._memory = DigestMemory(database)

    def path(self, path: Path) -> str:
        """Digest one file or folder.

        Of a file: SHA-256 of its content. Of a folder: SHA-256 of the sorted relative paths and
        the digests of all files in it; symbolic links are followed. Else: ``absent``.

        :raises RequestError: if something cannot be read
        """
        (digest,) = self.paths([path])
        return digest

    def paths(self, paths: Iterable[Path]) -> list[str]:
        """Digest files and folders at once, with one question to the memory for all files.

        :raises RequestError: if something cannot be read
        """
        states = [(os.path.abspath(path), _state(path)) for path in paths]  # noqa: PTH100 (no Path)
        files = self._files(
            [(path, state) for path, state in states if state and stat.S_ISREG(state.st_mode)]
        )
        return [
            self._folder(path) if state and stat.S_ISDIR(state.st_mode) else files.get(path, ABSENT)
            for path, state in states
        ]

    def forget(self, folder: Path) -> None:
        """Forget the files below a folder that was removed."""
        self._memory.forget(folder)

    def close(self) -> None:
        """Close the memory's file."""
        self._memory.close()

    def _folder(self, folder: str) -> str:
        found = list(walk(folder))
        files = self._files([(path, state) for _, path, state in found if state])
        listed = sorted([name, files.get(path, ABSENT)] for name, path, _ in found)
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()

    def _files(self, files: list[tuple[str, os.stat_result]]) -> dict[str, str]:
        signatures = {path: _signature(state) for path, state in files}
        if not signatures:
            return {}
        known = self._memory.find(signatures)
        new = []
        for path in signatures:
            if path not in known:
                known[path], signature = _read(path)
                if signature:
                    new.append((path, signature, known[path]))
        self._memory.keep(new)
        return known


def walk(folder: str) -> Iterator[Found]:
    """Yield every file below a folder; links are followed, each folder is entered only once.

    :raises RequestError: if a folder cannot be read
    """
    entered: set[tuple[int, int]] = set()
    waiting = [("", folder)]
    while waiting:
        prefix, path = waiting.pop()
        try:
            state = os.stat(path)  # noqa: PTH116 (text paths: folders have thousands of files)
            if (state.st_dev, state.st_ino) in entered:
                yield prefix, path, None  # a link back, or a second one to the same folder
                continue
            entered.add((state.st_dev, state.st_ino))
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            raise _unreadable(path, error) from error
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            if _is_folder(entry):
                waiting.append((name, entry.path))
            else:
                found = _state(entry.path)
                # Opening a named pipe would wait for ever: only plain files are read.
                regular = found is not None and stat.S_ISREG(found.st_mode)
                yield name, entry.path, found if regular else None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _state(path: str | Path) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 (as above)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no name of a file
        return None
    except OSError as error:
        if error.errno in BROKEN:
            return None
        raise _unreadable(path, error) from error


def _read(path: str) -> tuple[str, str | None]:
    """Digest a file; return its signature too if the digest may be remembered under it."""
    now = time.time_ns()
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (as above)
            before = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except FileNotFoundError:  # between the look and the reading
        return ABSENT, None
    except OSError as error:
        raise _unreadable(path, error) from error
    settled = now - before.st_mtime_ns >= FRESH and _signature(before) == _signature(after)
    return digest, _signature(after) if settled else None


def _signature(state: os.stat_result) -> str:
    return f"{state.st_size}:{state.st_mtime_ns}:{state.st_ino}"


def _unreadable(path: str | Path, error: OSError) -> RequestError:
    return RequestError(f"{path}: cannot be read: {error.strerror}")
