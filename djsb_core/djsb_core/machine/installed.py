"""The metadata of installed packages, read once as long as nothing is installed or removed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TypeAlias

Snapshot: TypeAlias = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Installed:
    """What an installed package says of itself."""

    version: str | None
    """``None`` if its metadata is damaged."""
    requires: tuple[str, ...]
    extras: tuple[str, ...]


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


@lru_cache(maxsize=1024)
def read_installed(name: str, now: Snapshot) -> Installed | None:
    """Read the metadata of an installed package; ``None`` if it is not installed."""
    found = find_distribution(name, now)
    if found is None:
        return None
    text = found.read_text("METADATA")
    if text is None:  # an old format
        extras = found.metadata.get_all("Provides-Extra")
        return Installed(found.version, tuple(found.requires or ()), tuple(extras or ()))
    from email.parser import HeaderParser

    # The description, most of the file, is left out: parsing it would take most of the time.
    header = HeaderParser().parsestr(text.partition("\n\n")[0])
    requires, extras = header.get_all("Requires-Dist"), header.get_all("Provides-Extra")
    return Installed(header["Version"], tuple(requires or ()), tuple(extras or ()))


def installed_version(name: str) -> str | None:
    """Return the version of an installed package, as its metadata says."""
    found = read_installed(name, snapshot())
    return found.version if found else None


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0
