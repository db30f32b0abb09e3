"""The SQLite file of a work_dir: its tables, and how it is opened."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from djsb.store import format_3
from djsb.store.holders import holders_of
from djsb_core.access import GROUP, OWNER
from djsb_core.errors import RAISE_LIMIT, DjsbError, RequestError, is_full_disk
from djsb_core.text import is_encodable, size_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from djsb_core.access import Access

NAME = "djsb.sqlite"
VERSION = 4
PATIENCE = 30.0
"""Seconds to wait for another process that keeps the database locked."""
NEEDED = 64 * 1024
"""Bytes of free disk space that SQLite needs for its auxiliary files."""

SWEEPS = """
CREATE TABLE sweeps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    project_name TEXT NOT NULL,
    config TEXT NOT NULL,          -- JSON: as it was given
    created REAL NOT NULL          -- seconds since the epoch
);
"""

TABLES = f"""{SWEEPS}CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    project_name TEXT NOT NULL,
    experiment_name TEXT NOT NULL,
    experiment TEXT NOT NULL,      -- path of the experiment file
    settings TEXT NOT NULL,        -- JSON: the experiment as it was read
    folder TEXT NOT NULL,
    status TEXT NOT NULL,          -- running, finished, failed, interrupted
    reason TEXT,                   -- why it ended: targets met, iterations used up, an error
    started REAL NOT NULL,         -- seconds since the epoch
    seconds REAL,
    pid INTEGER NOT NULL,
    sweep TEXT REFERENCES sweeps (id)
);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    pipeline TEXT NOT NULL,
    iteration INTEGER NOT NULL,
    stage TEXT NOT NULL,
    position INTEGER NOT NULL,
    meta_name TEXT NOT NULL,
    hook TEXT NOT NULL,
    component TEXT,
    package TEXT,                  -- the component's distribution and version
    status TEXT NOT NULL,          -- running, finished, cached, failed, interrupted, cancelled
    fingerprint TEXT,              -- key of the job's entry in the cache
    source_run TEXT,               -- the run that executed the job, if it was reused
    folder TEXT NOT NULL,          -- the job's log
    files TEXT,                    -- where the component worked
    exports TEXT,                  -- JSON: results under ``files`` to the paths the config names
    settings TEXT,                 -- JSON: dj_configs and extra_configs, references resolved
    outputs TEXT,                  -- JSON: by output name
    error TEXT,
    started REAL NOT NULL,
    seconds REAL,
    environment TEXT,              -- label and key of the isolated environment it ran in
    role TEXT,                     -- probe, refine, process, train, infer, evaluate
    declarations TEXT              -- JSON: what its hook and component say of metrics and samples
);
CREATE INDEX jobs_of_run ON jobs (run_id, iteration, position);
CREATE TABLE metrics (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,            -- without the job's meta_name
    step INTEGER,
    value,                         -- REAL or TEXT; NaN and infinities as TEXT
    seconds REAL NOT NULL          -- since the start of the job
);
CREATE INDEX metrics_of_job ON metrics (job_id, name);
CREATE TABLE artifacts (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,            -- samples, histogram, image, video
    step INTEGER,
    path TEXT NOT NULL
);
CREATE INDEX artifacts_of_job ON artifacts (job_id, kind, name);
CREATE TABLE targets (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    iteration INTEGER NOT NULL,
    target TEXT NOT NULL,          -- as in the file
    value,                         -- what was measured
    met INTEGER NOT NULL,
    PRIMARY KEY (run_id, iteration, target)
);
"""

MIGRATIONS = {
    2: f"""{SWEEPS}ALTER TABLE runs ADD COLUMN sweep TEXT REFERENCES sweeps (id);
ALTER TABLE jobs ADD COLUMN environment TEXT""",
    3: """ALTER TABLE jobs ADD COLUMN role TEXT;
ALTER TABLE jobs ADD COLUMN declarations TEXT;
UPDATE jobs SET role = role_in_format_3(hook),
declarations = declarations_in_format_3(hook, directions);
ALTER TABLE jobs DROP COLUMN directions""",
}
"""Statements that upgrade a database to the next format; other formats are refused."""


class StoreLockedError(RequestError):
    """Another process keeps the database locked."""

    def __init__(self, path: Path) -> None:
        holders = holders_of(path)
        by = f" by {holders}" if holders else ""
        super().__init__(
            f"cannot use {path}: locked for {PATIENCE:g} s{by}; "
            "let that process finish, or end it, then run the same command again"
        )


class StoreWriteError(DjsbError):
    """The database cannot be written or read: there is no room, or the disk fails."""

    def __init__(self, path: Path, error: sqlite3.Error) -> None:
        super().__init__(f"cannot write {path}: {_reason(error, path.parent)}")


class Connection(sqlite3.Connection):
    """A connection for strings that are not Unicode text, such as some file names.

    SQLite's texts are UTF-8; such a string is stored as bytes, and read back as what it was.

    :raises StoreLockedError: if another process keeps the database locked
    """

    def __init__(self, path: Path, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 (sqlite3's)
        """Open the file."""
        super().__init__(path, *arguments, **options)
        self._path = path

    def execute(self, sql: str, parameters: Iterable[Any] = (), /) -> sqlite3.Cursor:  # type: ignore[override]
        """Execute one statement."""
        try:
            return super().execute(sql, parameters)  # type: ignore[arg-type]
        except UnicodeEncodeError:
            return super().execute(sql, _storable(parameters))
        except sqlite3.OperationalError as error:
            raise self._described(error) from error

    def executemany(self, sql: str, parameters: Iterable[Iterable[Any]], /) -> sqlite3.Cursor:  # type: ignore[override]
        """Execute one statement for each row of parameters."""
        try:
            return super().executemany(sql, map(_storable, parameters))
        except sqlite3.OperationalError as error:
            raise self._described(error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Literal[False]:
        """End the transaction."""
        try:
            return super().__exit__(kind, error, trace)
        except sqlite3.OperationalError as cause:
            raise self._described(cause) from cause

    def _described(self, error: sqlite3.OperationalError) -> Exception:
        """Return the error, or a sentence if it is that of a lock or of a disk."""
        if is_locked(error):
            return StoreLockedError(self._path)
        return StoreWriteError(self._path, error) if _is_io_error(error) else error


def is_locked(error: sqlite3.Error) -> bool:
    """Return whether an error reports that another process keeps the database locked."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _storable(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(
        value.encode("utf-8", "surrogatepass")
        if isinstance(value, str) and not is_encodable(value)
        else value
        for value in values
    )


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> sqlite3.Row:
    if any(isinstance(value, bytes) for value in values):
        values = tuple(
            value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
            for value in values
        )
    return sqlite3.Row(cursor, values)


def open_database(
    work_dir: Path, *, create: bool = True, access: Access = OWNER
) -> sqlite3.Connection:
    """Open the database of a work_dir, with rows by column name and transactions by ``with``.

    Without ``create`` it may be on a read-only disk, or belong to somebody else.

    :param access: of what is created
    :raises RequestError: if there is none (and ``create`` is off), or it cannot be used
    """
    path = work_dir / NAME
    try:
        if create:
            access.make_folder(work_dir)
            access.make_file(path)
            _share(work_dir, access)
        elif not path.is_file():
            raise RequestError(f"no runs in {work_dir}: there is no {NAME}")
        elif not (os.access(path, os.W_OK) and os.access(work_dir, os.W_OK)):
            return _open_for_reading(path)
        return _connect(path)
    except (OSError, ValueError, sqlite3.DatabaseError) as error:
        raise RequestError(f"cannot use {path}: {_reason(error, work_dir)}") from error


def _share(work_dir: Path, access: Access) -> None:
    """Open an existing work_dir to the group, if that is asked for."""
    if access != GROUP:
        return
    if stat.S_IMODE(work_dir.stat().st_mode) == OWNER.folder:  # as djsb has created it
        access.widen(work_dir)
    for path in (work_dir / "runs", *work_dir.glob(f"{NAME}*")):
        access.widen(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=PATIENCE, check_same_thread=False, factory=Connection
    )
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()  # which rolls back an unfinished change
        raise
    return connection


def _open_for_reading(path: Path) -> sqlite3.Connection:
    """Open a database where nothing can be written.

    SQLite needs a file beside it to share it with other processes. Without one, nobody writes, and
    it can be read as it is; what is not yet in it, or an older format, takes a copy.
    """
    log = path.with_name(f"{path.name}-wal")
    modes = ["mode=ro"]
    if not (log.exists() and log.stat().st_size):
        modes.append("mode=ro&immutable=1")
    for mode in modes:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}",
            uri=True,
            check_same_thread=False,
            factory=Connection,
        )
        connection.row_factory = _row
        try:
            with closing(connection.cursor()) as cursor:
                if _version(cursor) == VERSION:
                    return connection
        except sqlite3.OperationalError:  # it cannot be shared
            pass
        connection.close()
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        if log.exists():
            shutil.copyfile(log, copy.with_name(log.name))
        memory = sqlite3.connect(":memory:", check_same_thread=False, factory=Connection)
        with closing(_connect(copy)) as copied:
            copied.backup(memory)
    memory.row_factory = _row
    return memory


def _reason(error: Exception, folder: Path) -> str:
    """Describe an error; without room for a file, SQLite may only report ``disk I/O error``."""
    if not _is_io_error(error):
        return str(error)
    free = shutil.disk_usage(folder).free
    if free < NEEDED:
        return f"{error}: the disk is full"
    text = f"{error} ({size_text(free)} free)"
    return text if is_full_disk(error) else f"{text}; if the disk is sound, {RAISE_LIMIT}"


def _is_io_error(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = _row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    format_3.add_functions(connection)
    with closing(connection.cursor()) as cursor:
        version = _version(cursor)
        if version != VERSION and (version == 0 or version in MIGRATIONS):
            connection.execute("BEGIN IMMEDIATE")  # of two concurrent processes, one upgrades it
            version = _upgrade(cursor)
            connection.commit()
    if version != VERSION:
        raise RequestError(
            f"{path} was written by another version of djsb (format {version}, but this one "
            f"reads {VERSION}); use that version, or another work_dir"
        )


def _upgrade(cursor: sqlite3.Cursor) -> int:
    """Upgrade a new or older database to this format; return its resulting format."""
    version = _version(cursor)  # another process may have upgraded it meanwhile
    while version == 0 or version in MIGRATIONS:
        _execute(cursor, MIGRATIONS.get(version, TABLES))
        version = version + 1 if version else VERSION
        cursor.execute(f"PRAGMA user_version={version}")
    return version


def _execute(cursor: sqlite3.Cursor, statements: str) -> None:
    """Execute statements inside a transaction, which ``executescript`` would end."""
    for statement in statements.split(";\n"):
        cursor.execute(statement)


def _version(cursor: sqlite3.Cursor) -> int:
    return int(cursor.execute("PRAGMA user_version").fetchone()[0])
