"""The stored environments: created once, reused, listed and removed.

``<root>/<key>/<attempt>/`` is an environment, created in place because it cannot be moved.
``DONE.json`` next to it is written last, and names the complete attempt. The lock
``<root>/locks/<key>`` is shared by its users, and exclusive to create or remove it.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Self

from djsb_core.api import (
    DONE,
    Interpreter,
    KeyedFolders,
    Masker,
    RequestError,
    counted,
    mark_used,
    remove_tree,
    short_key,
    size_of,
    suggest,
)
from djsb_environments.bridge import bridge, remove_unused
from djsb_environments.build import Builder, EnvironmentBuildError
from djsb_environments.inspection import check_existing, check_made, take_inventory
from djsb_environments.record import (
    DIGITS,
    KEY,
    KeptEnvironment,
    Leftover,
    read_kept,
    write_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from djsb_core.api import Lock, WantedEnvironment

FREEZE = "freeze.txt"
NOTES = ("logs", "checked", "inspected")
"""Folders with cached information: on builds, on the user's environments, on jobs."""

LINKED = "linked"
"""Folder with the code linked into environments, and the name of its lock."""

PREFIX = re.compile(f"[0-9a-f]{{4,{DIGITS}}}")


def environments_root() -> Path:
    """Return where environments are stored: ``DJSB_ENV_DIR``, by default the user's cache."""
    named = os.environ.get("DJSB_ENV_DIR")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("djsb") / "environments"


def _discard(_: str) -> None:
    """Report nothing."""


def _continue() -> None:
    """Do not stop."""


def _remedy(kept: KeptEnvironment) -> str:
    command = f"`djsb env rm {short_key(kept.key)}`"
    return f"add it to the requirements; if the environment is damaged, rebuild it: {command}"


class Environments(KeyedFolders[KeptEnvironment]):
    """The environments of one folder. Safe for use by several threads and processes.

    Environments in use cannot be removed by others until it is closed (or this process ends).
    """

    def __init__(self, root: Path | None = None) -> None:
        """Use one folder, which is created when needed; default: :func:`environments_root`."""
        super().__init__(root or environments_root(), "keep environments in", "DJSB_ENV_DIR")
        self._held: dict[str, Lock] = {}
        self._guard = RLock()

    def __enter__(self) -> Self:
        """Close at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Release the environments in use, so that they can be removed."""
        with self._guard:
            for lock in self._held.values():
                lock.release()
            self._held.clear()

    # -- the layout ----------------------------------------------------------------------------

    def keys(self) -> list[str]:
        """List the keys that have a folder."""
        if not self.root.is_dir():
            return []
        return sorted(path.name for path in self.root.iterdir() if KEY.fullmatch(path.name))

    def home(self, key: str) -> Path:
        """Return the folder of a key."""
        return self.root / key

    def lock_path(self, key: str) -> Path:
        """Return the file that is locked for a key: it stays when the environment is removed."""
        return self.root / "locks" / key

    def complete(self, key: str) -> Iterator[KeptEnvironment]:
        """Yield the complete environment of a key, if there is one."""
        kept = read_kept(self.home(key))
        if kept is not None:
            yield kept

    def unfinished(self, key: str) -> list[Path]:
        """List leftovers of killed builds of a key: its folder if no environment is complete."""
        if next(self.complete(key), None) is None:
            return [self.home(key)]
        return super().unfinished(key)

    # -- using ---------------------------------------------------------------------------------

    def find(self, wanted: WantedEnvironment) -> Interpreter | None:
        """Return the interpreter of an environment; ``None`` if it must be created first.

        :raises EnvironmentBuildError: if it is one of the user's, and djsb cannot run in it
        :raises RequestError: if environments cannot be stored in this folder
        """
        if os.pathsep in str(self.root):
            raise RequestError(
                f"cannot keep environments in {self.root}: its path contains '{os.pathsep}'; "
                f"set another folder with DJSB_ENV_DIR"
            )
        with self.usable():
            if wanted.existing is not None:
                memory = self.root / "checked" / f"{wanted.key[:DIGITS]}.json"
                check_existing(wanted, wanted.existing, memory)
                return self._interpreter(wanted, wanted.existing, "install it there")
            kept = self._use(wanted.key[:DIGITS])
            return None if kept is None else self._interpreter(wanted, kept.folder, _remedy(kept))

    def make(
        self,
        wanted: WantedEnvironment,
        say: Callable[[str], None] = _discard,
        raise_if_stopped: Callable[[], None] = _continue,
    ) -> Interpreter:
        """Find the environment, or create it: one process does so, others wait for it.

        :param say: called with short lines of progress
        :param raise_if_stopped: called at least every 0.2 s; an exception from it ends the build
        :raises EnvironmentBuildError: if it cannot be created
        """
        while (interpreter := self.find(wanted)) is None:
            with self._exclusive(wanted, say, raise_if_stopped), self.usable():
                if read_kept(self.root / wanted.key[:DIGITS]) is None:
                    self._build(wanted, say, raise_if_stopped)
        return interpreter

    def check(self, wanted: WantedEnvironment) -> list[str]:
        """List the reasons why an environment cannot be used or created; cheap."""
        try:
            if self.find(wanted) is not None:
                return []
        except RequestError as error:
            return [str(error)]
        return list(wanted.environment.check())

    # -- looking and removing ------------------------------------------------------------------

    def choose(self, name: str) -> KeptEnvironment:
        """Return the environment with a label or key prefix (4 digits or more).

        :raises RequestError: if there is none, or more than one
        """
        entries = self.entries()
        matches = [entry for entry in entries if entry.label == name]
        if PREFIX.fullmatch(name):
            matches += [
                entry for entry in entries if entry.key.startswith(name) and entry not in matches
            ]
        if len(matches) > 1:
            keys = ", ".join(entry.key for entry in matches)
            raise RequestError(f"'{name}' matches several environments; use a key: {keys}")
        if not matches:
            known = suggest(name, {entry.label for entry in entries})
            raise RequestError(f"no environment with the name or key prefix '{name}'; {known}")
        return matches[0]

    def remove(self, name: str) -> KeptEnvironment | None:
        """Remove an environment by label or key; ``None`` if it stays because it is in use.

        :raises RequestError: if there is none, or more than one
        """
        chosen = self.choose(name)
        with self.usable():
            return chosen if self._remove(chosen) else None

    def collect(
        self, older_than: float | None, *, dry_run: bool = False
    ) -> tuple[list[KeptEnvironment], list[Leftover]]:
        """Remove leftovers of killed builds, and environments unused for long.

        :param older_than: seconds since the last use; ``None``: keep all complete environments
        :param dry_run: remove nothing
        :return: the environments and the unfinished folders that were (or would be) removed
        """
        limit = 0.0 if older_than is None else time.time() - older_than
        leftovers = [Leftover(folder, size_of(folder)[0]) for folder in self.leftovers()]
        old = [entry for entry in self.entries() if older_than is not None and entry.used <= limit]
        if dry_run:
            return [entry for entry in old if self._is_free(entry.key)], leftovers
        self.remove_unfinished()
        gone = [entry for entry in old if self._remove(entry)]
        with self.usable():
            self._remove_linked(limit)
            self._remove_notes(limit)
        return gone, leftovers

    # -- inside --------------------------------------------------------------------------------

    def _interpreter(self, wanted: WantedEnvironment, folder: Path, remedy: str) -> Interpreter:
        with self._guard:
            if LINKED not in self._held:
                self._held[LINKED] = self.acquire(LINKED, _continue, shared=True)
            importable = bridge(self.root / LINKED, wanted.distributions)
        return Interpreter(
            python=wanted.environment.python(folder),
            importable=importable,
            label=wanted.label,
            remedy=remedy,
            variables=wanted.environment.variables(folder),
        )

    def _use(self, key: str) -> KeptEnvironment | None:
        """Take the shared lock of an environment and mark it as used; ``None`` if incomplete."""
        home = self.home(key)
        if not (home / DONE).exists():
            return None
        with self._guard:
            lock = self._held.get(key) or self.try_lock(key, shared=True)
            if lock is None:  # another process creates or removes it
                return None
            kept = read_kept(home)
            if kept is None:
                self._held.pop(key, None)
                lock.release()
                return None
            self._held[key] = lock
        mark_used(home)
        return kept

    @contextmanager
    def _exclusive(
        self,
        wanted: WantedEnvironment,
        say: Callable[[str], None],
        raise_if_stopped: Callable[[], None],
    ) -> Iterator[None]:
        announced = False

        def on_wait() -> None:
            nonlocal announced
            raise_if_stopped()
            if not announced:
                announced = True
                say(f"waiting for the environment {wanted.label}: another process creates it")

        with self.lock(wanted.key[:DIGITS], on_wait):
            yield

    def _build(
        self,
        wanted: WantedEnvironment,
        say: Callable[[str], None],
        raise_if_stopped: Callable[[], None],
    ) -> None:
        """Create an environment; its exclusive lock must be held.

        :raises EnvironmentBuildError: if it cannot be created; then nothing of it remains
        """
        for problem in wanted.environment.check():
            raise EnvironmentBuildError(f"cannot create the environment {wanted.label}: {problem}")
        key = wanted.key[:DIGITS]
        home, logs = self.home(key), self.root / "logs"
        remove_tree(home)  # leftovers of a killed build, or an environment without its Python
        masker = Masker.of(None)
        files = home / "requirements.txt", home / "constraints.txt"
        count = len(wanted.requirements)
        say(f"creating the environment {wanted.label}: installing {counted(count, 'requirement')}…")
        folder = self.new_attempt(key)
        try:
            for parent in (home, logs):
                parent.mkdir(parents=True, exist_ok=True)
            for path, lines in zip(files, (wanted.requirements, wanted.constraints), strict=True):
                path.touch(mode=0o600)  # URLs of packages may contain passwords
                path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            (logs / f"{key}.log").touch(mode=0o600)
            with (logs / f"{key}.log").open("w", encoding="utf-8") as log:
                builder = Builder(wanted, folder, log, say, raise_if_stopped)
                builder.run(wanted.environment.create(folder, *files))
            for path in files:  # only the manager needs them unmasked
                masker.file(path)
            self._finish(wanted, folder)
        except BaseException:
            remove_tree(home)
            raise

    def _finish(self, wanted: WantedEnvironment, folder: Path) -> None:
        python = wanted.environment.python(folder)
        inventory = take_inventory(python)
        check_made(wanted, inventory)
        (folder.parent / FREEZE).write_text(inventory.frozen, encoding="utf-8")
        write_record(wanted, folder, inventory.version)

    def _is_free(self, key: str) -> bool:
        lock = self.try_lock(key)
        if lock is not None:
            lock.release()
        return lock is not None

    def _remove(self, kept: KeptEnvironment) -> bool:
        """Remove a complete environment, unless it is in use, or was used in the meantime."""
        removed = self.remove_idle(kept, self.home(kept.key))
        if removed:
            (self.root / "logs" / f"{kept.key}.log").unlink(missing_ok=True)
        return removed

    def _remove_linked(self, before: float) -> None:
        """Remove folders of links last used before a time, unless a run uses any of them."""
        folder = self.root / LINKED
        lock = self.try_lock(LINKED) if folder.is_dir() else None
        if lock is not None:
            try:
                remove_unused(folder, before)
            finally:
                lock.release()

    def _remove_notes(self, before: float) -> None:
        """Remove cached information on environments last written before a time."""
        for name in NOTES:
            for path in (self.root / name).glob("*"):
                with suppress(OSError):
                    if path.stat().st_mtime < before:
                        path.unlink()
