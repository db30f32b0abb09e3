"""The digests that were computed before, in a small SQLite file."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

logger = logging.getLogger(__name__)

TABLE = """
CREATE TABLE IF NOT EXISTS digests (
    path BLOB PRIMARY KEY,     -- as the file system has it: not every name is text
    signature TEXT NOT NULL,
    digest TEXT NOT NULL
) WITHOUT ROWID
"""
TIMEOUT = 5
"""Seconds to wait for another process that writes."""


class DigestMemory:
    """Digests by path and signature. Where its file cannot be used, it remembers nothing.

    Safe to use from several threads, from several processes, and after a fork.
    """

    def __init__(self, database: Path) -> None:
        """Remember in one file, which is made when it is first needed."""
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._renew()

    def find(self, signatures: Mapping[str, str]) -> dict[str, str]:
        """Return the digests of the paths that are known with exactly these signatures."""
        asked = {os.fsencode(path): path for path in signatures}
        return {
            asked[path]: digest
            for path, signature, digest in self._select(list(asked))
            if signatures[asked[path]] == signature
        }

    def keep(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Remember digests: path, signature, digest."""
        given = [(os.fsencode(path), signature, digest) for path, signature, digest in rows]
        if given:
            self._write("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", given)

    def forget(self, folder: Path) -> None:
        """Forget all that is below a folder."""
        inside = os.fsencode(f"{folder}{os.sep}")
        beyond = inside[:-1] + bytes([inside[-1] + 1])
        self._write("DELETE FROM digests WHERE path >= ? AND path < ?", [(inside, beyond)])

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    # -- inside --------------------------------------------------------------------------------

    def _renew(self) -> None:
        # A forked process must neither use its parent's connection nor wait for its lock.
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._connection = None
        self._usable = True

    def _select(self, paths: Sequence[bytes]) -> list[tuple[Any, ...]]:
        if self._pid != os.getpid():
            self._renew()
        rows: list[tuple[Any, ...]] = []
        with self._lock:
            if not self._usable:
                return rows
            try:
                connection = self._open()
                most = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
                for start in range(0, len(paths), most):
                    some = paths[start : start + most]
                    marks = ", ".join("?" * len(some))
                    question = f"SELECT * FROM digests WHERE path IN ({marks})"  # noqa: S608
                    rows += connection.execute(question, some)
            except (sqlite3.Error, OSError) as error:
                self._note(error)
        return rows

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        if self._pid != os.getpid():
            self._renew()
        with self._lock:
            if not self._usable:
                return
            try:
                connection = self._open()
                with connection:
                    connection.executemany(statement, rows)
            except (sqlite3.Error, OSError) as error:
                self._note(error)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._database.parent.mkdir(parents=True, exist_ok=True)
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

    def _note(self, error: Exception) -> None:
        """Go on without memory: for now where it is busy or full, else for good."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL):
            return
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            logger.warning(
                "%s is damaged (%s): files are read anew each time; delete it",
                self._database,
                error,
            )
        self._usable = False
        if self._connection is not None:
            self._connection.close()
        self._connection = None
