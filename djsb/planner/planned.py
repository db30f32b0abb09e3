"""A checked experiment: its jobs, loaded, bound to each other and checked; immutable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from djsb.planner.binding import BoundJob
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb.config.experiment import Experiment
    from djsb.planner.binding import BoundTargets
    from djsb_core.interfaces.resources import Resources
    from djsb_core.problems import Problem


@dataclass(frozen=True, kw_only=True)
class PlannedJob(BoundJob):
    """One bound job whose settings are checked."""

    reads: tuple[Path, ...] = ()
    """Absolute paths of its inputs, as far as they are known before the run."""
    writes: tuple[Path, ...] = ()
    """Absolute paths of its named results, as far as they are known."""

    @property
    def default_resources(self) -> Resources:
        """Resources of the machine that it uses where its ``resources`` do not set them."""
        return (self.component or self.hook).resources

    def in_iteration(self, iteration: int) -> PlannedJob:
        """Return the job in another iteration."""
        return replace(self, spec=replace(self.spec, id=self.spec.id.in_iteration(iteration)))


@dataclass(frozen=True)
class Plan:
    """A checked experiment: what will run, in which order."""

    experiment: Experiment
    jobs: tuple[PlannedJob, ...]
    targets: BoundTargets = ()
    """The targets that end the iteration, each with its output."""

    needs: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """For each pipeline, the earlier ones that it must wait for."""

    warnings: tuple[Problem, ...] = ()
    """What the user should know before the run."""

    expected: frozenset[Path] = frozenset()
    """Absolute paths that jobs write to, as their settings name them."""

    def __repr__(self) -> str:
        """Return the file and the number of jobs."""
        return f"<djsb plan of {self.experiment.document.path}: {counted(len(self.jobs), 'job')}>"

    @cached_property
    def assigns_gpus(self) -> bool:
        """Whether a job claims a GPU; then GPUs are hidden from jobs that claim none."""
        claims = (job.spec.resources.over(job.default_resources) for job in self.jobs)
        return any(claim.gpus > 0 for claim in claims)

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The names of the pipelines, in order; one may have no jobs."""
        return self.experiment.pipelines

    def jobs_of(self, pipeline: str) -> tuple[PlannedJob, ...]:
        """Return the jobs of one pipeline, in order."""
        return tuple(job for job in self.jobs if job.spec.pipeline == pipeline)

    def in_iteration(self, iteration: int) -> Plan:
        """Return the plan of another iteration: the same jobs, each with its own identity."""
        if iteration == 1:
            return self
        return replace(self, jobs=tuple(job.in_iteration(iteration) for job in self.jobs))
