"""An experiment as read: its jobs, and the file and line of each of their values."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from djsb.config.dotted import split_path
from djsb.config.resources import ResourcesSchema
from djsb.config.schema import Stage
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.paths import expand_path
from djsb_core.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb.config.document import Document, SourceFile
    from djsb.config.references import Reference, Update
    from djsb.config.schema import ExperimentSchema
    from djsb.config.targets import Target
    from djsb_core.identity import JobId
    from djsb_core.problems import Location, Problem

ANONYMOUS = "anonymous"
"""Name of the pipeline formed by the experiment's own stages."""

SEED = "@seed="
"""Between the name of a pipeline and the seed with which it is repeated."""

WITH_SEED = re.compile(rf"(.+){SEED}(-?[0-9]+)")


def name_with_seed(pipeline: str, seed: int) -> str:
    """Name the repetition of a pipeline with one of its seeds: ``train@seed=1``."""
    return f"{pipeline}{SEED}{seed}"


def split_seed(pipeline: str) -> tuple[str, int | None]:
    """Split the name of a repeated pipeline into the name in the file and the seed."""
    match = WITH_SEED.fullmatch(pipeline)
    return (match[1], int(match[2])) if match else (pipeline, None)


@dataclass(frozen=True)
class Settings:
    """One section of a job, and the file that its values come from."""

    values: Mapping[str, Any] | None
    source: SourceFile
    location: Location
    """Where the section begins in its file."""
    failed: bool = False
    """Whether its file could not be read; that is reported already."""


@dataclass(frozen=True)
class JobSpec:
    """One job as read; nothing is loaded or checked against components yet."""

    id: JobId
    location: Location
    source: SourceFile
    hook: str
    named: bool
    """Whether the file gives the ``meta_name``."""

    sections: Mapping[Section, Settings]
    inputs: tuple[Reference, ...] = ()
    output: tuple[str, ...] | None = None
    local: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    cache: bool = True
    timeout: float | None = None
    """In seconds."""
    retries: int = 0
    resources: ResourcesSchema = field(default_factory=ResourcesSchema)
    seed: int | None = None
    """The seed with which its pipeline is repeated, if it is."""
    unknown: frozenset[Location] = frozenset()
    """Values of the job that could not be read; the problems are recorded."""
    incomplete: bool = False
    """Whether a key could not be read that may set any value; absent ones may be meant by it."""

    @property
    def pipeline(self) -> str:
        """The pipeline that it is part of."""
        return self.id.pipeline

    @property
    def stage(self) -> Stage:
        """The list of jobs that contains it."""
        return Stage(self.id.stage)

    @property
    def position(self) -> int:
        """Position among all jobs of the experiment, from 0."""
        return self.id.position

    @property
    def meta_name(self) -> str:
        """As in the file, else derived from stage and index."""
        return self.id.meta_name

    def with_local(self, target: str, value: object) -> JobSpec:
        """Return the job with one more override."""
        return replace(self, local=MappingProxyType({**self.local, target: value}))

    def is_unknown(self, location: Location) -> bool:
        """Return whether the value at a location (or one around it) could not be read."""
        return any(location[: len(unread)] == unread for unread in self.unknown)

    def problem(
        self,
        location: Location,
        text: str,
        remedy: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """Describe what is wrong with a value of this job.

        :param location: inside the job: ``("extra_configs", "train", "lr")``
        """
        source, path = self._find(location)
        problem = source.problem(path, text, remedy, key=(*self.location, *location))
        return replace(problem, severity=severity)

    def place(self, location: Location = ()) -> str:
        """Return ``file:line`` of a value of this job."""
        source, path = self._find(location)
        return source.place(path)

    def _find(self, location: Location) -> tuple[SourceFile, Location]:
        """Return the file that sets a value of this job, and the location in it."""
        parts = tuple(str(part) for part in location)
        for target in self.local:
            overridden = split_path(target)
            if parts[: len(overridden)] == overridden:
                return self.source, (*self.location, "local", target)
        if location and location[0] in tuple(Section):
            section = self.sections[Section(location[0])]
            return section.source, (*section.location, *location[1:])
        return self.source, (*self.location, *location)


@dataclass(frozen=True)
class Experiment:
    """The whole file, with the settings of every job read."""

    document: Document
    """The file as read, with overrides applied."""

    schema: ExperimentSchema
    jobs: tuple[JobSpec, ...]
    problems: tuple[Problem, ...] = ()
    """Problems with its form."""

    pipelines: tuple[str, ...] = (ANONYMOUS,)
    """Their names, in order; one may have no jobs."""

    targets: tuple[tuple[Target, Location], ...] = ()
    """What ends the iteration, and where each is in the file."""

    updates: tuple[Update, ...] = ()
    """What one iteration passes to the next."""

    unread: Mapping[int, tuple[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """Pipeline and name of the jobs that could not be read, by position; empty where unknown.

    A job of which only the name could not be read is in ``jobs``, too.
    """

    folders: tuple[Path, ...] = field(default_factory=lambda: (Path.cwd(),))
    """Where relative paths are looked up: the working directory in which it was read, then beside
    the file."""

    @property
    def size(self) -> int:
        """The number of jobs, those that could not be read included."""
        return len({*self.unread, *(job.position for job in self.jobs)})

    def problem(self, location: Location, text: str, remedy: str = "") -> Problem:
        """Describe what is wrong with a value of the experiment itself."""
        return self.document.source.problem(location, text, remedy)

    @property
    def file(self) -> Path:
        """The absolute path of the file."""
        return self.folders[0] / self.document.path

    @property
    def work_dir(self) -> Path:
        """The absolute path of the folder for its runs."""
        return self.folders[0] / expand_path(self.schema.work_dir)


def lookup_folders(experiment: Path) -> tuple[Path, ...]:
    """Return the folders in which the paths of an experiment file are looked up."""
    beside = Path(os.path.realpath(experiment)).parent
    return tuple(dict.fromkeys((Path.cwd(), beside)))
