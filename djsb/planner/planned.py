"""A checked experiment: its jobs, loaded and bound to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb.config.experiment import Experiment, JobSpec
    from djsb.config.references import Reference
    from djsb.config.targets import Target
    from djsb.planner.settings import JobSettings, Source
    from djsb_core.announced import ComponentInfo
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.hook import Hook
    from djsb_core.interfaces.isolation import WantedEnvironment
    from djsb_core.interfaces.resources import Resources


@dataclass
class PlannedJob:
    """One job whose hook and component are loaded and whose settings are checked."""

    spec: JobSpec
    hook: type[Hook[Any, Any]]
    hook_info: ComponentInfo
    component: type[AnyComponent] | None
    component_info: ComponentInfo | None
    settings: JobSettings
    sources: Mapping[Reference, Source] = field(default_factory=dict)
    """What each entry of its ``input`` means."""
    carried: Mapping[Reference, Source] = field(default_factory=dict)
    """Settings that take their value from the iteration before; the first has the file's."""
    probe: int | None = None
    """Position of the job whose metrics this one reads, for a refinement."""
    reads: tuple[Path, ...] = ()
    """Absolute paths that decide the result, as far as they are known before the run."""
    writes: tuple[Path, ...] = ()
    """Absolute paths that the settings name for results, as far as they are known."""
    environment: WantedEnvironment | None = None
    """The isolated environment that it runs in; ``None`` for the one that djsb runs in."""

    @property
    def default_resources(self) -> Resources:
        """What it takes of the machine as far as its ``resources`` do not say so."""
        return (self.component or self.hook).resources

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the job returns, in order: the file's names, else those of the hook."""
        return self.spec.output or self.returned_names

    @property
    def returned_names(self) -> tuple[str, ...]:
        """The names that the hook (or its component) gives to what the job returns."""
        if self.hook.outputs_of_component and self.component is not None:
            return self.component.output_names
        return self.hook.output_names


@dataclass(frozen=True)
class Plan:
    """A checked experiment: what will run, in which order."""

    experiment: Experiment
    jobs: tuple[PlannedJob, ...]
    targets: tuple[tuple[Target, Source], ...] = ()
    """What ends the iteration, and which output each target looks at."""

    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each pipeline the earlier ones that it must wait for."""

    notes: tuple[str, ...] = ()
    """What the user should know before the run, each with file and line."""

    expected: frozenset[Path] = frozenset()
    """Absolute paths that jobs write to, as their settings name them."""

    @cached_property
    def assigns_gpus(self) -> bool:
        """Whether a job claims a GPU; then a job that claims none sees none."""
        claims = (job.spec.resources.over(job.default_resources) for job in self.jobs)
        return any(claim.gpus > 0 for claim in claims)

    @property
    def pipelines(self) -> tuple[str, ...]:
        """The names of the pipelines, in order; one may have no jobs."""
        return self.experiment.pipelines

    def jobs_of(self, pipeline: str) -> tuple[PlannedJob, ...]:
        """Return the jobs of one pipeline, in order."""
        return tuple(job for job in self.jobs if job.spec.pipeline == pipeline)
