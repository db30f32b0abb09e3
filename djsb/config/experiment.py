"""An experiment as it was read: its jobs, and where in which file each of their values stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb.config.dotted import split_path
from djsb.config.problems import show_location
from djsb.config.resources import ResourcesSchema
from djsb_core.interfaces.hook import Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb.config.document import Document, Location
    from djsb.config.references import Reference, Update
    from djsb.config.schema import ExperimentSchema, Stage
    from djsb.config.targets import Target

ANONYMOUS = "anonymous"
"""The name of the pipeline whose stages are those of the experiment itself."""

SEED = "@seed="
"""Between the name of a pipeline and the seed with which it is repeated."""

WITH_SEED = re.compile(rf"(.+){SEED}(-?[0-9]+)")


def name_with_seed(pipeline: str, seed: int) -> str:
    """Name the repetition of a pipeline with one of its seeds: ``train@seed=1``."""
    return f"{pipeline}{SEED}{seed}"


def split_seed(pipeline: str) -> tuple[str, int | None]:
    """Split the name of a repeated pipeline into that of the file and the seed."""
    found = WITH_SEED.fullmatch(pipeline)
    return (found[1], int(found[2])) if found else (pipeline, None)


@dataclass(frozen=True)
class Settings:
    """One section of a job, and the document that its values come from."""

    values: dict[str, Any] | None
    document: Document
    location: Location
    """Where the section begins in its document."""
    failed: bool = False
    """Whether its file could not be read; that is reported already."""


@dataclass(frozen=True)
class JobSpec:
    """One job as it was read; nothing of it is loaded or checked against components yet."""

    pipeline: str
    stage: Stage
    position: int
    """Place among all jobs of the experiment, from 0."""
    location: Location
    document: Document
    hook: str
    meta_name: str
    """As in the file, or made from stage and place where the file gives none."""

    named: bool
    """Whether the file gives the ``meta_name``."""

    sections: Mapping[Section, Settings]
    inputs: tuple[Reference, ...] = ()
    output: tuple[str, ...] | None = None
    local: Mapping[str, Any] = field(default_factory=dict)
    cache: bool = True
    timeout: float | None = None
    """In seconds."""
    retries: int = 0
    resources: ResourcesSchema = field(default_factory=ResourcesSchema)
    seed: int | None = None
    """The seed with which its pipeline is repeated, if it is."""

    def problem(self, location: Location, text: str) -> str:
        """Say what is wrong at a key of this job: file, line, key and sentence.

        :param location: inside the job: ``("extra_configs", "train", "lr")``
        """
        shown = show_location((*self.location, *location))
        return f"{self._place(location)}: {shown}: {text}"

    def _place(self, location: Location) -> str:
        parts = tuple(str(part) for part in location)
        for target in self.local:
            overridden = split_path(target)
            if parts[: len(overridden)] == overridden:
                return self.document.place((*self.location, "local", target))
        if location and location[0] in tuple(Section):
            section = self.sections[Section(location[0])]
            return section.document.place((*section.location, *location[1:]))
        return self.document.place((*self.location, *location))


@dataclass(frozen=True)
class Experiment:
    """The whole file, with the settings of every job read."""

    document: Document
    schema: ExperimentSchema
    jobs: tuple[JobSpec, ...]
    problems: tuple[str, ...] = ()
    """What is wrong with its form, each with file, line and key."""

    pipelines: tuple[str, ...] = (ANONYMOUS,)
    """Their names, in order; one may have no jobs."""

    targets: tuple[tuple[Target, Location], ...] = ()
    """What ends the iteration, and where each stands in the file."""

    updates: tuple[Update, ...] = ()
    """What one iteration gives to the next."""

    unread: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Pipeline and name of the jobs that could not be read, by position; empty where unknown."""

    def problem(self, location: Location, text: str) -> str:
        """Say what is wrong at a key of the experiment itself: file, line, key and sentence."""
        return f"{self.document.place(location)}: {show_location(location)}: {text}"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where relative paths are looked up: the working directory, then beside the file."""
        return lookup_folders(self.document.path)


def lookup_folders(experiment: Path) -> tuple[Path, ...]:
    """Return the folders in which the paths of an experiment file are looked up."""
    return tuple(dict.fromkeys((experiment.cwd(), experiment.resolve().parent)))
