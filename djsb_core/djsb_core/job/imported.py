"""Whether the code that jobs have imported into this process is still what lies on the disk."""

from __future__ import annotations

import os
import sys
import sysconfig
from typing import TYPE_CHECKING

from djsb_core.machine.code_files import INSTALLED, code_files, files_beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from djsb_core.machine.code_files import CodeFile

MARGIN = 20_000_000
"""Nanoseconds by which the times of files may lag behind the clock."""

State = tuple[int, int, int, int]


class ImportedCode:
    """The files of all modules that were imported, with their states at that time."""

    def __init__(self, since: int) -> None:
        """Start with nothing.

        :param since: nanoseconds since the epoch; a file that changed later may have been imported
            before it changed
        """
        self._since = since
        self._modules: set[str] = set()
        self._states: dict[str, State | None] = {}
        self._suspects: list[str] = []

    def ignore(self, modules: Iterable[str]) -> None:
        """Leave out modules that others have imported."""
        self._modules.update(modules)

    def distrust(self, file: str) -> None:
        """Count a file as changed: what was imported is not known."""
        self._suspects.append(file)

    def record(self, until: int, components: Iterable[str] = ()) -> None:
        """Remember the files of the modules that were imported since the last time.

        :param until: when the next modules may be imported
        :param components: modules whose whole packages count, with their data
        """
        modules = sys.modules
        added = modules.keys() - self._modules
        self._modules |= added
        files = {path for name in added for path in _files_of(name)}
        files.update(file.path for name in components for file in code_files(name))
        for path in files - self._states.keys():
            self._states[path] = state = _state(path)
            if state is not None and max(state[1:3]) > self._since - MARGIN:
                self._suspects.append(path)
        self._since = until

    def changed(self, *, surely: bool = False) -> str | None:
        """Return a file that has changed since it was imported, or may have.

        :param surely: only one that still exists, and was seen in another state
        """
        if self._suspects and not surely:
            return self._suspects[0]
        for path, state in self._states.items():
            now = _state(path)
            if now != state and not (surely and now is None):
                return path
        return None


def _files_of(name: str) -> Iterable[str]:
    """Return the files of a module; of somebody's own code, also what lies beside it."""
    try:
        file = sys.modules[name].__dict__.get("__file__")
    except (KeyError, AttributeError):  # removed in the meantime; an object that is no module
        return ()
    if not isinstance(file, str) or _is_standard(file):
        return ()
    if any(f"/{folder}/" in file for folder in INSTALLED):
        return (file,)
    package = name.partition(".")[0]
    code: tuple[CodeFile, ...] = ()
    if package == name:
        code = code_files(name) if hasattr(sys.modules[name], "__path__") else files_beside(file)
    return (file, *(part.path for part in code))


def _is_standard(file: str) -> bool:
    """Return whether a file belongs to Python itself."""
    return file.startswith(STANDARD) and not any(f"/{folder}/" in file for folder in INSTALLED)


STANDARD = tuple({sysconfig.get_path("stdlib") + "/", sysconfig.get_path("platstdlib") + "/"})


def _state(path: str) -> State | None:
    try:
        state = os.stat(path)  # noqa: PTH116 (thousands of files)
    except (OSError, ValueError):
        return None
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino
