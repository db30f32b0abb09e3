"""The paths of an experiment while it is planned: each is looked up once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.interfaces.paths import PathContext

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class PlannedPaths(PathContext):
    """Where the paths of an experiment are looked up while it is planned."""

    expected: set[Path] = field(default_factory=set)
    """Absolute paths that the jobs checked so far write."""

    _resolved: dict[Path, Path] = field(default_factory=dict)

    def resolve(self, path: Path) -> Path:
        """Return the absolute path without links; it is looked up once."""
        found = self._resolved.get(path)
        if found is None:
            found = self._resolved[path] = super().resolve(path)
        return found

    def resolved(self, paths: Iterable[Path]) -> tuple[Path, ...]:
        """Return absolute paths without links; without those that cannot be paths."""
        return tuple(found for found in map(self._try, paths) if found is not None)

    def look_up(self, path: Path) -> Path:
        """Find a path that is read, as the validation of its config would."""
        here = Path.cwd()
        name = path.relative_to(here) if path.is_relative_to(here) else path
        return self.find(name) or path

    def _try(self, path: Path) -> Path | None:
        try:
            return self.resolve(path)
        except (OSError, ValueError, RuntimeError):  # too long, a NUL, a loop of links
            return None
