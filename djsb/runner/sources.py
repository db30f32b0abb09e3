"""The source code of components: its digest, and whether it changed since the import."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from djsb.cache.digests import FRESH
from djsb_core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.machinery import ModuleSpec

    from djsb_core.announced import ComponentInfo


class _Source(NamedTuple):
    """The current state of one source file."""

    path: str
    size: int
    modified: int
    inode: int


def source_digest(module: str) -> str:
    """Digest a component's own code: its module and the other modules of its package."""
    sources, now = _sources(module), time.time_ns()
    settled = all(now - source.modified > FRESH for source in sources)
    return _digest(sources) if settled else _digest.__wrapped__(sources)


_IMPORTED: dict[str, tuple[ModuleSpec | None, str]] = {}
"""The digest of each module's code at its first use, right after the import."""


def refuse_changed(infos: Iterable[ComponentInfo]) -> None:
    """Reject components whose code has changed since this process imported it.

    Jobs would run the old code, here and in reused worker processes, but their results would be
    cached as those of the new code.

    :raises RequestError: that names the module
    """
    for name in dict.fromkeys(info.target.partition(":")[0] for info in infos):
        module = sys.modules.get(name)
        spec, now = getattr(module, "__spec__", None), source_digest(name)
        known = _IMPORTED.get(name)
        if known is None or known[0] is not spec:  # it was imported again
            _IMPORTED[name] = spec, now
        elif known[1] != now:
            raise RequestError(
                f"the code of {name} has changed since this process imported it; "
                "start a new process (in a notebook: restart the kernel)"
            )


def _sources(module: str) -> tuple[_Source, ...]:
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return ()
    folder, paths = os.path.dirname(file), [file]  # noqa: PTH120 (texts: done for every job)
    if os.path.isfile(os.path.join(folder, "__init__.py")):  # noqa: PTH113, PTH118
        with os.scandir(folder) as entries:
            paths = sorted(entry.path for entry in entries if entry.name.endswith(".py"))
    return tuple(filter(None, map(_source, paths)))


def _source(path: str) -> _Source | None:
    try:
        state = os.stat(path)  # noqa: PTH116 (as above)
    except OSError:  # an editor's dangling link
        return None
    return _Source(path, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=256)
def _digest(sources: tuple[_Source, ...]) -> str:
    """Digest the files; cached by their state."""
    digests = []
    for source in sources:
        with open(source.path, "rb") as file:  # noqa: PTH123 (as above)
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return hashlib.sha256("".join(digests).encode()).hexdigest()
