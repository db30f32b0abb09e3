"""Folders by key, each with its attempts: created once, reused, and removed when not in use.

A key is a digest of everything that determines the content of a folder. One process works on a
key at a time, in the folder of a new attempt, and writes ``DONE.json`` last; an attempt that was
killed is incomplete and removed by the next process.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from djsb_core.folders.files import DONE, remove_tree, size_of, subfolders, usable
from djsb_core.folders.locks import try_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from djsb_core.access import Access
    from djsb_core.folders.locks import Lock

PAUSE = 0.1
"""Seconds between two attempts to take a lock."""


class KeyedEntry(Protocol):
    """One complete attempt."""

    @property
    def key(self) -> str:
        """The digest of what determines its content."""

    @property
    def folder(self) -> Path:
        """Its folder."""

    @property
    def used(self) -> float:
        """When it was last used: seconds since the epoch."""


EntryT = TypeVar("EntryT", bound=KeyedEntry)


class KeyedFolders(ABC, Generic[EntryT]):
    """The folders below one root. Safe for use by several threads and processes."""

    def __init__(
        self, root: Path, purpose: str, variable: str, access: Access | None = None
    ) -> None:
        """Use one root folder, which is created when needed.

        :param purpose: for messages: ``use the cache folder``
        :param variable: environment variable that sets another root
        :param access: of what is created; by default, as the umask says
        """
        self.access = access
        self.root = root.absolute()
        self._purpose = purpose
        self._variable = variable

    # -- the layout ----------------------------------------------------------------------------

    @abstractmethod
    def keys(self) -> list[str]:
        """List the keys that have a folder."""

    @abstractmethod
    def home(self, key: str) -> Path:
        """Return the folder of a key, which contains its attempts."""

    @abstractmethod
    def lock_path(self, key: str) -> Path:
        """Return the file that is locked for a key."""

    @abstractmethod
    def complete(self, key: str) -> Iterator[EntryT]:
        """Yield the complete attempts of a key, newest first."""

    def attempts(self, key: str) -> list[Path]:
        """List the folders of a key's attempts, newest first."""
        return sorted(subfolders(self.home(key)), reverse=True)

    def new_attempt(self, key: str) -> Path:
        """Return the folder for a new attempt, which does not exist yet.

        Names sort by age even if the clock is set back.
        """
        name = f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S-%f}-{_random_digits()}"
        newest = next((attempt.name for attempt in self.attempts(key)), "")
        if name <= newest:
            name = f"{newest}-{_random_digits()}"
        return self.home(key) / name

    # -- using ---------------------------------------------------------------------------------

    def usable(self) -> AbstractContextManager[None]:
        """Report what to do if the root is not usable.

        :raises RequestError: instead of the system's error
        """
        return usable(self.root, self._purpose, self._variable)

    def try_lock(self, key: str, *, shared: bool = False) -> Lock | None:
        """Take the lock of a key if it is free.

        :raises RequestError: if the root is not writable
        """
        with self.usable():
            return try_lock(self.lock_path(key), shared=shared, access=self.access)

    def acquire(self, key: str, on_wait: Callable[[], None], *, shared: bool = False) -> Lock:
        """Take the lock of a key as soon as it is free.

        :param on_wait: called between attempts, every 0.1 s; may raise to give up
        :raises RequestError: if the root is not writable
        """
        while (lock := self.try_lock(key, shared=shared)) is None:
            on_wait()
            time.sleep(PAUSE)
        return lock

    @contextmanager
    def lock(self, key: str, on_wait: Callable[[], None]) -> Iterator[None]:
        """Hold the exclusive lock of a key; the system releases it if the process dies.

        :param on_wait: called between attempts, every 0.1 s; may raise to give up
        :raises RequestError: if the root is not writable
        """
        lock = self.acquire(key, on_wait)
        try:
            yield
        finally:
            lock.release()

    # -- looking -------------------------------------------------------------------------------

    def entries(self) -> list[EntryT]:
        """List all complete attempts, last used first; damaged ones are left out."""
        with self.usable():
            entries = [entry for key in self.keys() for entry in self.complete(key)]
        return sorted(entries, key=lambda entry: (entry.used, entry.folder.name), reverse=True)

    def unfinished(self, key: str) -> list[Path]:
        """List the incomplete attempts of a key; reliable only while its lock is held."""
        complete = {entry.folder for entry in self.complete(key)}
        return [attempt for attempt in self.attempts(key) if attempt not in complete]

    def leftovers(self) -> list[Path]:
        """List the folders of unfinished attempts that no process is working in."""
        leftovers: list[Path] = []
        with self.usable():
            for key in self.keys():
                if self.unfinished(key) and (lock := self.try_lock(key)):
                    lock.release()
                    # An attempt may have finished just before its lock was released.
                    leftovers += self.unfinished(key)
        return leftovers

    # -- removing ------------------------------------------------------------------------------

    def remove_folder(
        self, key: str, folder: Path, is_needless: Callable[[], bool] | None = None
    ) -> int | None:
        """Remove one folder of a key, and the key's own files if no attempt is left.

        :param is_needless: called while the lock is held: it may have been used in the meantime
        :return: bytes freed; ``None`` if it stays, because it is locked or needed
        """
        lock = self.try_lock(key)
        if lock is None:
            return None
        try:
            with self.usable():
                if is_needless is not None and not is_needless():
                    return None
                _, freed = size_of(folder)
                if not remove_tree(folder):
                    return None
                if not self.attempts(key):
                    self._remove_files(key)
        finally:
            lock.release()
        home = self.home(key)
        for parent in (home, *home.parents):
            if parent == self.root:
                break
            with suppress(OSError):  # not empty, or already removed
                parent.rmdir()
        return freed

    def remove_idle(self, entry: EntryT, folder: Path | None = None) -> bool:
        """Remove a complete attempt, unless its lock is held or it was used since it was listed.

        :param folder: what to remove; by default its own folder
        """

        def is_idle() -> bool:
            return any(
                now.folder == entry.folder and now.used == entry.used
                for now in self.complete(entry.key)
            )

        return self.remove_folder(entry.key, folder or entry.folder, is_idle) is not None

    def remove_unfinished(self) -> None:
        """Remove the unfinished attempts that no process is working in."""
        for key in self.keys():
            for folder in self.unfinished(key):
                self.remove_folder(key, folder, partial(self._is_unfinished, key, folder))

    def _is_unfinished(self, key: str, folder: Path) -> bool:
        return folder in self.unfinished(key)

    def _remove_files(self, key: str) -> None:
        """Remove the files of a key without attempts; its lock must be held."""
        home, lock = self.home(key), self.lock_path(key)
        files = [path for path in home.iterdir() if path != lock] if home.exists() else []
        # The lock last: a process that waits for it sees that its file is gone.
        for path in (*files, lock) if lock.parent == home else files:
            path.unlink(missing_ok=True)


def _random_digits() -> str:
    return os.urandom(2).hex()  # importing `secrets` takes a hundredth of a second


def mark_used(folder: Path) -> None:
    """Record that a complete folder is used now; do nothing if it is read-only."""
    with suppress(OSError):
        os.utime(folder / DONE)
