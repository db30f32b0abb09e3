"""Previously computed digests, in a small SQLite file."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

from djsb_core.access import OWNER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from djsb_core.access import Access

logger = logging.getLogger(__name__)

TABLE = """
CREATE TABLE IF NOT EXISTS digests (
    path BLOB PRIMARY KEY,     -- as the file system has it: not every name is text
    signature TEXT NOT NULL,
    digest TEXT NOT NULL
) WITHOUT ROWID
"""
RECENT = 10_000
"""Number of digests that are kept in memory too."""
TIMEOUT = 5
"""Seconds to wait for another process's write."""


class DigestMemory:
    """Digests by path and signature. If its file cannot be used, it stores nothing.

    Safe to use from several threads, from several processes, and after a fork.
    """

    def __init__(self, database: Path, access: Access = OWNER) -> None:
        """Use one file, which is created on first use."""
        self._access = access
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._recent: dict[tuple[str, str], str] = {}
        """Digests by path and signature: the jobs of a run often read the same files."""
        self._reset()

    def find(self, signatures: Mapping[str, str]) -> dict[str, str]:
        """Return the stored digests of paths with exactly these signatures."""
        recent = self._recent
        found = {
            path: recent[path, signature]
            for path, signature in signatures.items()
            if (path, signature) in recent
        }
        paths = {os.fsencode(path): path for path in signatures if path not in found}
        for path, signature, digest in self._select(list(paths)) if paths else ():
            if signatures[paths[path]] == signature:
                found[paths[path]] = digest
                if len(recent) < RECENT:
                    recent[paths[path], signature] = digest
        return found

    def keep(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Store digests: path, signature, digest."""
        encoded = [(os.fsencode(path), signature, digest) for path, signature, digest in rows]
        if encoded:
            self._write("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", encoded)

    def rows(self) -> list[tuple[str, str, str]]:
        """List everything that is stored: path, signature, digest."""
        query = "SELECT path, signature, digest FROM digests ORDER BY path"
        rows = self._read(lambda connection: connection.execute(query).fetchall())
        return [(os.fsdecode(path), signature, digest) for path, signature, digest in rows]

    def drop(self, path: str) -> None:
        """Remove the digest of one file."""
        self._recent.clear()
        self._write("DELETE FROM digests WHERE path = ?", [(os.fsencode(path),)])

    def forget(self, folder: Path) -> None:
        """Remove all digests of files below a folder."""
        inside = os.fsencode(f"{folder}{os.sep}")
        beyond = inside[:-1] + bytes([inside[-1] + 1])
        self._write("DELETE FROM digests WHERE path >= ? AND path < ?", [(inside, beyond)])

    def close(self) -> None:
        """Close the file; it is reopened when needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    # -- inside --------------------------------------------------------------------------------

    def _reset(self) -> None:
        # A forked process must neither use its parent's connection nor wait for its lock.
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._connection = None
        self._usable = True

    def _select(self, paths: Sequence[bytes]) -> list[tuple[Any, ...]]:
        def select(connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
            rows: list[tuple[Any, ...]] = []
            limit = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
            for start in range(0, len(paths), limit):
                batch = paths[start : start + limit]
                marks = ", ".join("?" * len(batch))
                query = f"SELECT * FROM digests WHERE path IN ({marks})"  # noqa: S608
                rows += connection.execute(query, batch)
            return rows

        return self._read(select)

    def _read(
        self, read: Callable[[sqlite3.Connection], list[tuple[Any, ...]]]
    ) -> list[tuple[Any, ...]]:
        """Return the rows that a function reads; none if the file cannot be used."""
        if self._pid != os.getpid():
            self._reset()
        with self._lock:
            if not self._usable:
                return []
            try:
                return read(self._open())
            except (sqlite3.Error, OSError) as error:
                self._handle_error(error)
        return []

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._pid != os.getpid():
            self._reset()
        with self._lock:
            if not self._usable:
                return
            try:
                connection = self._open()
                with connection:
                    connection.executemany(statement, rows)
            except (sqlite3.Error, OSError) as error:
                self._handle_error(error)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._access.make_folder(self._database.parent)
            self._access.make_file(self._database)
            connection = sqlite3.connect(self._database, TIMEOUT, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute(TABLE)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _handle_error(self, error: Exception) -> None:
        """Continue without stored digests: for now if the file is busy or full, else for good."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
            return
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            logger.warning(
                "%s is damaged (%s): every file is read again each time; delete it",
                self._database,
                error,
            )
        self._usable = False
        if self._connection is not None:
            self._connection.close()
        self._connection = None
