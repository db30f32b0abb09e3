"""Folders of finished jobs, by keys derived from what determines their results.

``<root>/<key[:2]>/<key>/`` holds ``KEY.json`` (the parts of the key), ``lock``, and one folder
per attempt. A job runs inside its attempt's folder, so that paths in its outputs stay valid;
``DONE.json`` is written there last.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.cache.digests import Digests, walk
from djsb.cache.entry import CHECKSUM, Entry, checksum, lacks, read_entry
from djsb.cache.seal import Seal
from djsb_core.access import GROUP, OWNER
from djsb_core.errors import RequestError
from djsb_core.folders.files import DONE, read_object, remove_tree, subfolders, usable, write_object
from djsb_core.folders.keyed import KeyedFolders, mark_used

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from djsb_core.access import Access

KEY = "KEY.json"
LOCK = "lock"
PURPOSE, VARIABLE = "use the cache folder", "DJSB_CACHE_DIR"
HEX = re.compile("[0-9a-f]{2}|[0-9a-f]{64}")


def cache_root(work_dir: Path) -> Path:
    """Return the cache folder of a work_dir: ``DJSB_CACHE_DIR`` if it is set."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else work_dir / "cache"


def parts_of(folder: Path) -> Mapping[str, Any]:
    """Return the parts of the key of a job's folder; empty if unknown.

    :param folder: that of an attempt
    :raises RequestError: if the cache folder cannot be read
    """
    with usable(folder, PURPOSE, VARIABLE):
        return read_object(folder.parent / KEY) or {}


class Cache(KeyedFolders[Entry]):
    """The results of finished jobs. Safe to use from several threads and processes."""

    def __init__(self, root: Path, access: Access = OWNER) -> None:
        """Use one folder, which is created when a job starts.

        :param access: of what is created in it
        """
        super().__init__(root, PURPOSE, VARIABLE, access)
        self._access = access
        self.digests = Digests(self.root / "digests.sqlite", access)
        self.seal = Seal(self.root, PURPOSE, VARIABLE, access)
        if access == GROUP:
            for path in (self.root, *self.root.glob("digests.sqlite*")):
                access.widen(path)

    # -- the layout ----------------------------------------------------------------------------

    def keys(self) -> list[str]:
        """List the keys that have a folder."""
        return sorted(
            key.name
            for group in subfolders(self.root)
            if HEX.fullmatch(group.name)  # the folder may contain other files
            for key in subfolders(group)
            if HEX.fullmatch(key.name) and key == self.home(key.name)
        )

    def home(self, key: str) -> Path:
        """Return the folder of a key."""
        return self.root / key[:2] / key

    def lock_path(self, key: str) -> Path:
        """Return the file that is locked for a key."""
        return self.home(key) / LOCK

    def complete(self, key: str) -> Iterator[Entry]:
        """Yield the complete attempts of a key, newest first."""
        for folder in self.attempts(key):
            entry = read_entry(key, folder)
            if entry is not None:
                yield entry

    # -- using ---------------------------------------------------------------------------------

    def find(self, key: str) -> Entry | None:
        """Return the newest reusable attempt whose files are unchanged, and mark it as used.

        :raises RequestError: if the cache folder cannot be read
        """
        with self.usable():
            for entry in self.complete(key):
                if entry.unusable is None and not self.changed(entry):
                    mark_used(entry.folder)
                    return entry
        return None

    def changed(self, entry: Entry) -> list[Path]:
        """List the files of an entry that are missing or differ from what was recorded."""
        recorded = entry.record["digests"]
        paths = [entry.folder / name for name in recorded]
        digests: Sequence[str | None]
        try:
            digests = self.digests.paths(paths)
        except RequestError:  # one cannot be read: check each
            digests = [self._digest_or_none(path) for path in paths]
        pairs = zip(paths, recorded.values(), digests, strict=True)
        return [path for path, was, now in pairs if was != now]

    def begin(self, key: str, parts: Mapping[str, Any], *, resume: bool = False) -> Path:
        """Create the folder of a new attempt, with a new name; the caller holds the lock.

        Folders of earlier, incomplete attempts are removed.

        :param parts: of the key
        :param resume: keep the files of the newest incomplete attempt, under the new name
        :raises RequestError: if the cache folder cannot be written
        """
        with self.usable():
            home = self.home(key)
            self._access.make_folder(home)
            if read_object(home / KEY) != parts:
                write_object(home / KEY, parts, durable=False, access=self._access)
            unfinished = self.unfinished(key)
            attempt = self.new_attempt(key)
            if resume and unfinished:
                unfinished.pop(0).rename(attempt)
                (attempt / DONE).unlink(missing_ok=True)  # a damaged record
            else:
                self._access.make_folder(attempt, exist_ok=False)
            for folder in unfinished:
                remove_tree(folder)
        return attempt

    def commit(
        self,
        key: str,
        folder: Path,
        record: Mapping[str, Any],
        files: Iterable[Path],
        is_secret: Callable[[str], bool] | None = None,
    ) -> Entry:
        """Mark an attempt as complete; the caller holds the lock.

        :param files: the job's results; the digests of these files, and of all files below these
            folders, become ``record["digests"]``, by path: relative inside the attempt's folder
        :param is_secret: whether a path holds a secret, so that it is not recorded
        :raises OSError: if it cannot be written (a full disk); the attempt stays incomplete
        :raises RequestError: if a result cannot be read, or the cache folder cannot be written
        :raises ValueError: if the record is invalid
        """
        digests = self._digests_of(folder, files)
        if is_secret is not None:
            digests = {path: digest for path, digest in digests.items() if not is_secret(path)}
        complete_record = {**record, "digests": digests}
        if missing := lacks(complete_record):
            raise ValueError(f"a cache record needs {', '.join(missing)}")
        complete_record[CHECKSUM] = checksum(json.loads(json.dumps(complete_record)))
        with self.usable():
            write_object(folder / DONE, complete_record, durable=True, access=self._access)
            entry = read_entry(key, folder)
        if entry is None:
            raise OSError(f"{folder / DONE} was removed")
        return entry

    def parts_of(self, key: str) -> Mapping[str, Any]:
        """Return the parts of a key; empty if unknown."""
        with self.usable():
            return read_object(self.home(key) / KEY) or {}

    # -- removing ------------------------------------------------------------------------------

    def remove(self, entry: Entry) -> int:
        """Remove an entry, and the folder of its key if it was the last one.

        :return: bytes freed; 0 if the key's lock is held
        """
        return self.remove_folder(entry.key, entry.folder) or 0

    def remove_folder(
        self, key: str, folder: Path, is_needless: Callable[[], bool] | None = None
    ) -> int | None:
        """Remove one folder of a key, and the remembered digests of its files."""
        freed = super().remove_folder(key, folder, is_needless)
        if freed is not None:
            self.digests.forget(folder)
        return freed

    def collect(
        self, max_size: int | None, *, keep: Callable[[Entry], bool], dry_run: bool = False
    ) -> list[Entry]:
        """Remove leftovers, superseded attempts, then the least recently used entries.

        :param max_size: total bytes of all entries; None: no limit
        :param keep: entries that must stay
        :param dry_run: remove nothing
        :return: the entries that were (or would be) removed
        """
        if not dry_run:
            self.remove_unfinished()
        entries = self.entries()
        newest = {
            entry.key: entry for entry in sorted(entries, key=lambda entry: entry.folder.name)
        }
        total = sum(entry.size for entry in entries)
        removed = []
        for entry in sorted(entries, key=lambda entry: (newest[entry.key] == entry, entry.used)):
            superseded = newest[entry.key] != entry
            over_limit = max_size is not None and total > max_size
            if (
                (superseded or over_limit)
                and not keep(entry)
                and (dry_run or self.remove_idle(entry))
            ):
                removed.append(entry)
                total -= entry.size
        return removed

    # -- inside --------------------------------------------------------------------------------

    def _digest_or_none(self, path: Path) -> str | None:
        try:
            return self.digests.path(path)
        except RequestError:
            return None

    def _digests_of(self, folder: Path, files: Iterable[Path]) -> dict[str, str]:
        paths: list[Path] = []
        for path in map(Path.absolute, files):
            if path.is_dir():
                # For an empty folder, record that it exists.
                paths += [Path(at) for _, at, state in walk(str(path)) if state] or [path]
            elif path.exists():
                paths.append(path)
        homes = (folder.absolute(), folder.resolve())
        names = [_relative(path, homes) for path in paths]
        return dict(zip(names, self.digests.paths(paths), strict=True))


def _relative(path: Path, homes: Iterable[Path]) -> str:
    for home in homes:
        if path.is_relative_to(home):
            return path.relative_to(home).as_posix()
    return str(path)
