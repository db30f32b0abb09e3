"""The metadata of installed packages, read once as long as nothing is installed or removed."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TypeAlias

Snapshot: TypeAlias = tuple[tuple[str, int], ...]


def snapshot() -> Snapshot:
    """Return what changes when a package is installed or removed: it is part of what is cached."""
    return tuple((folder, _changed(folder)) for folder in sys.path)


@lru_cache(maxsize=1024)
def find_distribution(name: str, _: Snapshot) -> Distribution | None:
    """Return the metadata of an installed package; ``None`` if it is not installed."""
    try:
        return distribution(name)
    except (PackageNotFoundError, ValueError):
        return None


def installed_version(name: str) -> str | None:
    """Return the version of an installed package, as its metadata says."""
    found = find_distribution(name, snapshot())
    return found.version if found else None


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0
