"""Find which pipelines depend on which: by their references and their files."""

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

    It must if one of its jobs refers to one of theirs, or if both touch the same files and one
    writes: every job must read what it would read if all ran in order.
    """
    needs: dict[str, set[str]] = {name: set() for name in pipelines}
    reads, writes = _Paths(), _Paths()
    for job in jobs:
        pipeline = job.spec.pipeline
        earlier = {jobs[source.job].spec.pipeline for source in job.sources.values()}
        for path in job.reads:
            earlier |= writes.touching(path)
        for path in job.writes:
            earlier |= writes.touching(path) | reads.touching(path)
        needs[pipeline] |= earlier - {pipeline}
        reads.add(job.reads, pipeline)
        writes.add(job.writes, pipeline)
    return MappingProxyType({name: frozenset(earlier) for name, earlier in needs.items()})


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
        pipelines = self.at.get(str(path), set()) | self.inside.get(str(path), set())
        for folder in self._folders(path):
            pipelines |= self.at.get(folder, set())
        return pipelines

    def _folders(self, path: Path) -> tuple[str, ...]:
        if path not in self.folders:
            self.folders[path] = tuple(map(str, path.parents))
        return self.folders[path]
