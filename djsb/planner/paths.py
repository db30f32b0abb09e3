"""The paths of an experiment during planning: each is looked up once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from djsb_core.interfaces.paths import PathContext

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True)
class PlannedPaths(PathContext):
    """Where the paths of an experiment are looked up during planning."""

    expected: set[Path] = field(default_factory=set)
    """Absolute paths that the jobs checked so far write."""

    _resolved: dict[Path, Path] = field(default_factory=dict)

    def expect(self, paths: Iterable[Path]) -> None:
        """Let later jobs find the paths that a job writes."""
        known = len(self.expected)
        self.expected.update(paths)
        if len(self.expected) > known:
            self._found.clear()

    def find(self, path: Path) -> Path | None:
        """Return the absolute path of an existing or expected file or folder, cached."""
        if path not in self._found:
            self._found[path] = super().find(path)
        return self._found[path]

    def resolve(self, path: Path) -> Path:
        """Return the absolute path without links, cached."""
        resolved = self._resolved.get(path)
        if resolved is None:
            resolved = self._resolved[path] = super().resolve(path)
        return resolved

    def resolved(self, paths: Iterable[Path]) -> tuple[Path, ...]:
        """Return absolute paths without links; invalid ones are left out."""
        return tuple(path for path in map(self._try, paths) if path is not None)

    def look_up(self, path: Path) -> Path:
        """Find an input path as the validation of its config would."""
        here = self.folders[0]
        name = path.relative_to(here) if here in path.parents else path
        return self.find(name) or path

    def _try(self, path: Path) -> Path | None:
        try:
            return self.resolve(path)
        except (OSError, ValueError, RuntimeError):  # too long, a NUL, a loop of links
            return None
