"""The code of components: its digest, what it requires, and whether it changed since the import."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.cache.digests import FRESH
from djsb_core.errors import RequestError
from djsb_core.machine.code_files import code_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.machinery import ModuleSpec

    from djsb.cache.digests import Digests
    from djsb_core.announced import ComponentInfo
    from djsb_core.machine.code_files import CodeFile

LARGE = 1 << 20
"""Bytes: a larger file is data, whose digest is remembered from process to process."""


RECENT = 0.1
"""Seconds for which the jobs of a run share a look at the files."""

_recent: dict[str, tuple[float, tuple[CodeFile, ...]]] = {}


def source_digest(info: ComponentInfo, digests: Digests, *, again: bool) -> str:
    """Digest a component's own code: all files of its package, by name and content.

    :param again: look at the files even if that was done a moment ago
    """
    looked, files = _recent.get(info.target, (0.0, ()))
    now = time.monotonic()
    if again or now - looked > RECENT:
        files = _files(info)
        _recent[info.target] = now, files
    large = [file for file in files if file.size > LARGE]
    contents = digests.paths([Path(file.path) for file in large])
    names = [f"{file.name}\0{digest}" for file, digest in zip(large, contents, strict=True)]
    return hashlib.sha256("\0".join([_digest_small(files), *names]).encode()).hexdigest()


_IMPORTED: dict[str, tuple[ModuleSpec | None, str]] = {}
"""The state of each module's code at its first use, right after the import."""


def refuse_changed(infos: Iterable[ComponentInfo]) -> None:
    """Reject components whose code has changed since this process imported it.

    Their settings would be read by the old code, and jobs without a process of their own would
    run it.

    :raises RequestError: that names the module
    """
    for info in {info.target.partition(":")[0]: info for info in infos}.values():
        name = changed_module(info)
        if name is not None:
            raise RequestError(
                f"the code of {name} has changed since this process imported it; "
                "start a new process (in a notebook: restart the kernel)"
            )


def changed_module(info: ComponentInfo) -> str | None:
    """Return the module of a component if its code has changed since this process imported it."""
    name = info.target.partition(":")[0]
    spec, now = getattr(sys.modules.get(name), "__spec__", None), _state(info)
    known = _IMPORTED.get(name)
    if known is None or known[0] is not spec:  # it was imported again
        _IMPORTED[name] = spec, now
        return None
    return name if known[1] != now else None


def _state(info: ComponentInfo) -> str:
    """Digest the code like :func:`source_digest`, but larger files by size and time."""
    files = _files(info)
    large = [f"{file.name}\0{file[2:]}" for file in files if file.size > LARGE]
    return "\0".join([_digest_small(files), *large])


def _files(info: ComponentInfo) -> tuple[CodeFile, ...]:
    return code_files(info.target.partition(":")[0], info.package)


def _digest_small(files: tuple[CodeFile, ...]) -> str:
    now = time.time_ns()
    settled = all(now - max(file.modified, file.changed) > FRESH for file in files)
    return _digest(files) if settled else _digest.__wrapped__(files)


@lru_cache(maxsize=256)
def _digest(files: tuple[CodeFile, ...]) -> str:
    """Digest the smaller files; cached by their state."""
    digest = hashlib.sha256()
    for file in files:
        if file.size <= LARGE:
            digest.update(f"{os.fsencode(file.name)!r}\0{_content(file)}\0".encode())
    return digest.hexdigest()


def _content(file: CodeFile) -> str:
    try:
        with open(file.path, "rb") as data:  # noqa: PTH123 (as text: done for every file)
            return hashlib.file_digest(data, "sha256").hexdigest()
    except OSError:  # removed in the meantime, or it may not be read
        return ""
