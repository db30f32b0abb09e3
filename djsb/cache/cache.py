"""Folders of finished jobs, found by what decides a job's results.

``<root>/<key[:2]>/<key>/`` holds ``KEY.json`` (what the key was made from), ``lock``, and a folder
for each attempt. A job runs inside its attempt's folder, so that paths in its outputs stay valid;
``DONE.json`` there is written last.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.cache.digests import Digests, walk
from djsb.cache.entry import DONE, Entry, lacks, read_entry
from djsb.cache.files import read_object, remove_tree, size_of, usable, write_object
from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from filelock import BaseFileLock

KEY = "KEY.json"
LOCK = "lock"
HEX = re.compile("[0-9a-f]{2}|[0-9a-f]{64}")
PAUSE = 0.1
"""Seconds between two tries to take a lock."""


def cache_root(work_dir: Path) -> Path:
    """Return the cache folder of a work_dir: ``DJSB_CACHE_DIR`` if it is set."""
    named = os.environ.get("DJSB_CACHE_DIR")
    return Path(named).expanduser() if named else work_dir / "cache"


def parts_of(folder: Path) -> Mapping[str, Any]:
    """Return what the key of a job's folder was made from; empty if that is not known (any more).

    :param folder: that of an attempt
    :raises RequestError: if the cache folder may not be read
    """
    with usable(folder):
        return read_object(folder.parent / KEY) or {}


class Cache:
    """The results of finished jobs. Safe to use from several threads and processes."""

    def __init__(self, root: Path) -> None:
        """Use one folder, which is made when a job begins."""
        self.root = root.absolute()
        self.digests = Digests(self.root / "digests.sqlite")

    # -- using ---------------------------------------------------------------------------------

    def find(self, key: str) -> Entry | None:
        """Return the newest complete attempt whose files are as they were, and mark it as used.

        :raises RequestError: if the cache folder may not be read
        """
        with usable(self.root):
            for entry in self._complete(key):
                if not self.changed(entry):
                    with suppress(OSError):  # a cache that may only be read can be used too
                        os.utime(entry.folder / DONE)
                    return entry
        return None

    def changed(self, entry: Entry) -> list[Path]:
        """List the files of an entry that are gone, or have other content than was recorded."""
        recorded = entry.record["digests"]
        paths = [entry.folder / name for name in recorded]
        found: Sequence[str | None]
        try:
            found = self.digests.paths(paths)
        except RequestError:  # one cannot be read: look at each
            found = [self._digest_or_none(path) for path in paths]
        pairs = zip(paths, recorded.values(), found, strict=True)
        return [path for path, was, now in pairs if was != now]

    @contextmanager
    def lock(self, key: str, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold a key alone, among all threads and processes; the system frees it if they die.

        :param waiting: called between tries, every 0.1 s; may raise to give up
        :raises RequestError: if the cache folder may not be written
        """
        while (held := self._try_lock(key)) is None:
            waiting()
            time.sleep(PAUSE)
        try:
            yield
        finally:
            held.release()

    def begin(self, key: str, parts: Mapping[str, Any], *, resume: bool = False) -> Path:
        """Make the folder of a new attempt, whose name was never used before; hold the lock.

        What earlier attempts that did not end have left is removed.

        :param parts: what the key was made from
        :param resume: keep what the newest of them has left, under the new name
        :raises RequestError: if the cache folder may not be written
        """
        with usable(self.root):
            folder = self._folder(key)
            folder.mkdir(parents=True, exist_ok=True)
            if read_object(folder / KEY) != parts:
                write_object(folder / KEY, parts, durable=False)
            attempts = self._attempts(key)
            left = [one for one in attempts if read_entry(key, one) is None]
            new = folder / _new_name(attempts)
            if resume and left:
                left.pop(0).rename(new)
                (new / DONE).unlink(missing_ok=True)  # it was damaged
            else:
                new.mkdir()
            for one in left:
                remove_tree(one, DONE)
        return new

    def commit(
        self, key: str, folder: Path, record: Mapping[str, Any], files: Iterable[Path]
    ) -> Entry:
        """Make an attempt complete; hold the lock.

        :param files: the job's results; their contents, and those of all files below folders,
            become ``record["digests"]``: by path, which is relative inside the attempt's folder
        :raises OSError: if it cannot be written (a full disk); the attempt stays incomplete
        :raises RequestError: if a result cannot be read, or the cache folder may not be written
        :raises ValueError: if the record is not one
        """
        done = {**record, "digests": self._digests_of(folder, files)}
        if wrong := lacks(done):
            raise ValueError(f"a cache record needs {', '.join(wrong)}")
        with usable(self.root):
            write_object(folder / DONE, done, durable=True)
            entry = read_entry(key, folder)
        if entry is None:
            raise OSError(f"{folder / DONE} was removed")
        return entry

    def parts_of(self, key: str) -> Mapping[str, Any]:
        """Return what a key was made from; empty if that is not known (any more)."""
        with usable(self.root):
            return read_object(self._folder(key) / KEY) or {}

    # -- looking -------------------------------------------------------------------------------

    def entries(self) -> list[Entry]:
        """List all complete attempts, the last used first; damaged ones are left out."""
        with usable(self.root):
            found = [entry for key in self._keys() for entry in self._complete(key)]
        return sorted(found, key=lambda entry: (entry.used, entry.folder.name), reverse=True)

    def leftovers(self) -> list[Path]:
        """List the folders of attempts that did not end, and that nobody is working in."""
        found = []
        with usable(self.root):
            for key in self._keys():
                left = [one for one in self._attempts(key) if read_entry(key, one) is None]
                if left and (held := self._try_lock(key)):
                    held.release()
                    # One may have ended just before its lock was free.
                    found += [one for one in left if read_entry(key, one) is None]
        return found

    # -- removing ------------------------------------------------------------------------------

    def remove(self, entry: Entry) -> int:
        """Remove an entry, and what its key has left if it was the last one.

        :return: bytes freed; 0 if somebody holds the key's lock
        """
        return self._remove(entry.key, entry.folder, lambda: True) or 0

    def collect(
        self, max_size: int | None, *, keep: Callable[[Entry], bool], dry_run: bool = False
    ) -> list[Entry]:
        """Remove leftovers, superseded attempts, then what was not used for longest.

        :param max_size: bytes that all entries may take together; None: no limit
        :param keep: entries that must stay
        :param dry_run: remove nothing
        :return: the entries that were (or would be) removed
        """
        if not dry_run:
            self._remove_leftovers()
        entries = self.entries()
        newest = {entry.key: entry for entry in sorted(entries, key=lambda one: one.folder.name)}
        total = sum(entry.size for entry in entries)
        removed = []
        for entry in sorted(entries, key=lambda one: (newest[one.key] == one, one.used)):
            needless = newest[entry.key] != entry
            too_much = max_size is not None and total > max_size
            if (needless or too_much) and not keep(entry) and (dry_run or self._remove_idle(entry)):
                removed.append(entry)
                total -= entry.size
        return removed

    # -- inside --------------------------------------------------------------------------------

    def _folder(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _keys(self) -> list[str]:
        return sorted(
            key.name
            for group in _folders(self.root)
            if HEX.fullmatch(group.name)  # this may be a folder that others use too
            for key in _folders(group)
            if HEX.fullmatch(key.name) and key == self._folder(key.name)
        )

    def _attempts(self, key: str) -> list[Path]:
        """List the folders of a key's attempts, the newest first."""
        return sorted(_folders(self._folder(key)), reverse=True)

    def _complete(self, key: str) -> Iterator[Entry]:
        for folder in self._attempts(key):
            entry = read_entry(key, folder)
            if entry is not None:
                yield entry

    def _try_lock(self, key: str) -> BaseFileLock | None:
        from filelock import FileLock, Timeout

        with usable(self.root):
            folder = self._folder(key)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                held = FileLock(folder / LOCK, thread_local=False)
                held.acquire(blocking=False)
            except (Timeout, FileNotFoundError):  # held, or just being removed
                return None
            except FileExistsError:  # it was there, and is no more: likewise
                if folder.exists():
                    raise
                return None
        return held

    def _remove(self, key: str, folder: Path, needless: Callable[[], bool]) -> int | None:
        """Remove an attempt unless its lock is held, or it is needed by the time we have it.

        :return: bytes freed; None if it stays
        """
        held = self._try_lock(key)
        if held is None:
            return None
        try:
            with usable(self.root):
                if not needless():
                    return None
                _, freed = size_of(folder)
                if not remove_tree(folder, DONE):
                    return None
                self.digests.forget(folder)
                if not self._attempts(key):
                    # The lock last. Whoever waits for it sees that its file is gone.
                    for name in (KEY, LOCK):
                        (self._folder(key) / name).unlink(missing_ok=True)
        finally:
            held.release()
        for parent in folder.parents[:2]:
            with suppress(OSError):  # not empty, or not any more
                parent.rmdir()
        return freed

    def _remove_idle(self, entry: Entry) -> bool:
        def is_idle() -> bool:
            now = read_entry(entry.key, entry.folder)
            return now is not None and now.used == entry.used

        return self._remove(entry.key, entry.folder, is_idle) is not None

    def _remove_leftovers(self) -> None:
        for folder in self.leftovers():
            key = folder.parent.name
            self._remove(key, folder, partial(_is_incomplete, key, folder))

    def _digest_or_none(self, path: Path) -> str | None:
        try:
            return self.digests.path(path)
        except RequestError:
            return None

    def _digests_of(self, folder: Path, files: Iterable[Path]) -> dict[str, str]:
        paths: list[Path] = []
        for path in map(Path.absolute, files):
            if path.is_dir():
                # Of an empty folder, that it is there.
                paths += [Path(at) for _, at, state in walk(str(path)) if state] or [path]
            elif path.exists():
                paths.append(path)
        homes = (folder.absolute(), folder.resolve())
        names = [_relative(path, homes) for path in paths]
        return dict(zip(names, self.digests.paths(paths), strict=True))


def _folders(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as listing:
            return [Path(one.path) for one in listing if one.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _relative(path: Path, homes: Iterable[Path]) -> str:
    for home in homes:
        if path.is_relative_to(home):
            return path.relative_to(home).as_posix()
    return str(path)


def _is_incomplete(key: str, folder: Path) -> bool:
    return folder.exists() and read_entry(key, folder) is None


def _new_name(attempts: Sequence[Path]) -> str:
    """Name an attempt by the time, so that names sort by age even if the clock was set back."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}"
    newest = attempts[0].name if attempts else ""
    return name if name > newest else f"{newest}-{secrets.token_hex(2)}"
