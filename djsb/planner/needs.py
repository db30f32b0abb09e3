"""Which pipelines must wait for which: by the references between them, and by their files."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from djsb.planner.planned import PlannedJob


def find_needs(
    pipelines: Sequence[str], jobs: Sequence[PlannedJob]
) -> Mapping[str, frozenset[str]]:
    """Find for each pipeline the earlier ones that it must wait for.

    It must if a job of it refers to one of theirs, or if the two touch the same files and one of
    them writes: what is read must be what it would be if all ran in order.
    """
    needs: dict[str, set[str]] = {name: set() for name in pipelines}
    reads, writes = _Paths(), _Paths()
    for job in jobs:
        pipeline = job.spec.pipeline
        found = {jobs[source.job].spec.pipeline for source in job.sources.values()}
        for path in job.reads:
            found |= writes.touching(path)
        for path in job.writes:
            found |= writes.touching(path) | reads.touching(path)
        needs[pipeline] |= found - {pipeline}
        reads.add(job.reads, pipeline)
        writes.add(job.writes, pipeline)
    return MappingProxyType({name: frozenset(found) for name, found in needs.items()})


class _Paths:
    """The pipelines that touch a path, by path."""

    def __init__(self) -> None:
        self.folders: dict[Path, tuple[str, ...]] = {}
        self.at: dict[str, set[str]] = {}
        self.inside: dict[str, set[str]] = {}

    def add(self, paths: Iterable[Path], pipeline: str) -> None:
        for path in paths:
            self.at.setdefault(str(path), set()).add(pipeline)
            for folder in self._folders(path):
                self.inside.setdefault(folder, set()).add(pipeline)

    def touching(self, path: Path) -> set[str]:
        """Return the pipelines that touch a path, a part of it, or a folder that it is in."""
        found = self.at.get(str(path), set()) | self.inside.get(str(path), set())
        for folder in self._folders(path):
            found |= self.at.get(folder, set())
        return found

    def _folders(self, path: Path) -> tuple[str, ...]:
        if path not in self.folders:
            self.folders[path] = tuple(map(str, path.parents))
        return self.folders[path]
