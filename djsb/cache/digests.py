"""Content digests of files and folders."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import time
from typing import TYPE_CHECKING

from djsb.cache.memory import DigestMemory
from djsb_core.access import OWNER
from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from djsb_core.access import Access

ABSENT = "absent"
"""Replaces the digest of a path that does not exist, or is neither file nor folder."""

FRESH = 2 * 10**9
"""Nanoseconds: a file modified less long ago may change again and keep its time stamp."""

BYTECODE = "__pycache__"
"""Folder that Python writes when it imports code: no part of what was put beside it."""

BROKEN = (errno.ELOOP, errno.ENAMETOOLONG)
"""System errors for circular links and for impossible names."""

WalkedFile = tuple[str, str, os.stat_result | None]
"""A file found by a walk: relative path, full path, state (None if it does not exist)."""


class Digests:
    """Content digests of files and folders, remembered by path, device, inode, size and times."""

    def __init__(self, database: Path, access: Access = OWNER) -> None:
        """Cache digests in a database; if it is unusable, they are always computed."""
        self._memory = DigestMemory(database, access)

    def path(self, path: Path) -> str:
        """Digest one file or folder.

        Of a file: SHA-256 of its content. Of a folder: SHA-256 of the sorted relative paths and
        the digests of all files in it; symbolic links are followed. Else: ``absent``.

        :raises RequestError: if something cannot be read
        """
        (digest,) = self.paths([path])
        return digest

    def paths(self, paths: Iterable[Path]) -> list[str]:
        """Digest files and folders together, with a single database query for all files.

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

    def verify(self) -> Iterator[tuple[str, bool]]:
        """Read every remembered file again; yield its path, and whether it is as remembered.

        A bit that flips on a disk changes no time stamp. What differs is forgotten, so that it
        counts as changed from now on; files that were changed or removed since are left out.

        :raises RequestError: if a file cannot be read
        """
        for path, signature, digest in self._memory.rows():
            state = _state(path)
            if state is None or _signature(state) != signature:
                continue
            is_same = _read(path)[0] == digest
            if not is_same:
                self._memory.drop(path)
            yield path, is_same

    def close(self) -> None:
        """Close the database."""
        self._memory.close()

    def _folder(self, folder: str) -> str:
        files_below = list(walk(folder))
        files = self._files([(path, state) for _, path, state in files_below if state])
        pairs = sorted([name, files.get(path, ABSENT)] for name, path, _ in files_below)
        return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()

    def _files(self, files: list[tuple[str, os.stat_result]]) -> dict[str, str]:
        signatures = {path: _signature(state) for path, state in files}
        if not signatures:
            return {}
        known = self._memory.find(signatures)
        rows = []
        for path in signatures:
            if path not in known:
                known[path], signature = _read(path)
                if signature:
                    rows.append((path, signature, known[path]))
        self._memory.keep(rows)
        return known


def walk(folder: str) -> Iterator[WalkedFile]:
    """Yield every file below a folder; links are followed, each folder is entered only once.

    Bytecode is left out.

    :raises RequestError: if a folder cannot be read
    """
    entered: set[tuple[int, int]] = set()
    pending = [("", folder)]
    while pending:
        prefix, path = pending.pop()
        try:
            state = os.stat(path)  # noqa: PTH116 (text paths: folders have thousands of files)
            if (state.st_dev, state.st_ino) in entered:
                yield prefix, path, None  # a link to a folder that was entered already
                continue
            entered.add((state.st_dev, state.st_ino))
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            raise _unreadable(path, error) from error
        for entry in entries:
            if entry.name == BYTECODE:
                continue
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            if _is_folder(entry):
                pending.append((name, entry.path))
            else:
                entry_state = _state(entry.path)
                # Opening a named pipe would block forever: only regular files are read.
                regular = entry_state is not None and stat.S_ISREG(entry_state.st_mode)
                yield name, entry.path, entry_state if regular else None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _state(path: str | Path) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 (as above)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: not a file name
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
    except FileNotFoundError:  # removed in the meantime
        return ABSENT, None
    except OSError as error:
        raise _unreadable(path, error) from error
    settled = now - _changed_at(before) >= FRESH and _signature(before) == _signature(after)
    return digest, _signature(after) if settled else None


def _changed_at(state: os.stat_result) -> int:
    return max(state.st_mtime_ns, state.st_ctime_ns)


def _signature(state: os.stat_result) -> str:
    """Return what changes with a file: nobody can set back the last of the times."""
    times = f"{state.st_mtime_ns}:{state.st_ctime_ns}"
    return f"{state.st_dev}:{state.st_ino}:{state.st_size}:{times}"


def _unreadable(path: str | Path, error: OSError) -> RequestError:
    return RequestError(f"{path}: cannot be read: {error.strerror}")
