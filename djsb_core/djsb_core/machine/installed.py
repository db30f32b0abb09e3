"""The metadata of installed packages, cached until a package is installed or removed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TypeAlias

Snapshot: TypeAlias = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Installed:
    """The metadata of an installed package."""

    version: str | None
    """``None`` if its metadata is damaged."""
    requires: tuple[str, ...]
    extras: tuple[str, ...]


def snapshot() -> Snapshot:
    """Return a value that changes when a package is installed or removed: a cache key."""
    return tuple((folder, _changed(folder)) for folder in sys.path)


@lru_cache(maxsize=1024)
def find_distribution(name: str, _: Snapshot) -> Distribution | None:
    """Return the metadata of an installed package; ``None`` if it is not installed."""
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):
        return None


@lru_cache(maxsize=1024)
def read_installed(name: str, now: Snapshot) -> Installed | None:
    """Read the metadata of an installed package; ``None`` if it is not installed."""
    metadata = find_distribution(name, now)
    if metadata is None:
        return None
    text = metadata.read_text("METADATA")
    if text is None:  # an old format
        extras = metadata.metadata.get_all("Provides-Extra")
        return Installed(metadata.version, tuple(metadata.requires or ()), tuple(extras or ()))
    from email.parser import HeaderParser

    # Without the description, which is most of the file and would take most of the time.
    header = HeaderParser().parsestr(text.partition("\n\n")[0])
    requires, extras = header.get_all("Requires-Dist"), header.get_all("Provides-Extra")
    return Installed(header["Version"], tuple(requires or ()), tuple(extras or ()))


def installed_version(name: str) -> str | None:
    """Return the version of an installed package from its metadata."""
    package = read_installed(name, snapshot())
    return package.version if package else None


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or os.curdir).st_mtime_ns  # noqa: PTH116 (done for every job)
    except (OSError, ValueError):
        return 0
