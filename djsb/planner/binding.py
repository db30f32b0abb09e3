"""The second pass: bind the references between jobs to outputs."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from djsb.config.references import Reference, Update
from djsb.config.schema import Stage
from djsb.planner.load import LoadedJob
from djsb.planner.settings import Source
from djsb_core.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb.config.experiment import Experiment, JobSpec
    from djsb.config.targets import Target
    from djsb_core.problems import Problem


@dataclass(frozen=True)
class Fault:
    """Why a reference cannot be resolved, and what would be right."""

    text: str
    remedy: str = ""


Resolution: TypeAlias = Source | Fault | None
"""The output that a reference means, a fault, or ``None`` if unknown."""

BoundTargets: TypeAlias = tuple[tuple["Target", Source], ...]
"""The targets that end the iteration, each with its output."""


@dataclass(frozen=True, kw_only=True)
class BoundJob(LoadedJob):
    """One loaded job whose references are bound."""

    sources: Mapping[Reference, Source] = field(default_factory=lambda: MappingProxyType({}))
    """The output that each entry of its ``input`` refers to."""
    carried: Mapping[Reference, Source] = field(default_factory=lambda: MappingProxyType({}))
    """Settings taken from the previous iteration; the first one uses the file's."""
    probe: int | None = None
    """For a refinement, the position of the job whose metrics it reads."""


class Binder:
    """Resolves references between the jobs of an experiment, unreadable ones included."""

    def __init__(self, experiment: Experiment, jobs: Sequence[LoadedJob | None]) -> None:
        """Take the jobs by position; ``None`` for those whose hook is unknown."""
        self.experiment = experiment
        self.jobs = jobs
        self.problems: list[Problem] = []
        names = {spec.position: (spec.pipeline, spec.meta_name) for spec in experiment.jobs}
        names |= experiment.unread
        self._specs = {spec.position: spec for spec in experiment.jobs}
        self.positions: dict[tuple[str, str], list[int]] = {}
        for position in sorted(names):
            self.positions.setdefault(names[position], []).append(position)

    def bind(self) -> list[BoundJob | None]:
        """Bind every job, by position; ``None`` for those whose hook is unknown."""
        probes = self._find_probes()
        sources = {
            position: self._bind_inputs(spec) for position, spec in sorted(self._specs.items())
        }
        carried = self._bind_updates()
        return [
            None
            if job is None
            else BoundJob(
                **vars(job),
                sources=MappingProxyType(sources[position]),
                carried=MappingProxyType(carried.get(position, {})),
                probe=probes.get(position),
            )
            for position, job in enumerate(self.jobs)
        ]

    def bind_targets(self) -> BoundTargets:
        """Bind each target of the iteration to its output."""
        bound = []
        for target, location in self.experiment.targets:
            resolution = self._find(Reference("", target.source), len(self.jobs))
            if isinstance(resolution, Fault):
                self.problems.append(
                    self.experiment.problem(location, resolution.text, resolution.remedy)
                )
            elif resolution is not None:
                bound.append((target, resolution))
        return tuple(bound)

    def _find_probes(self) -> dict[int, int]:
        """Find the probe of each refinement, and report names that two jobs share."""
        probes: dict[int, int] = {}
        first_jobs: dict[tuple[str, str], JobSpec] = {}
        for position, spec in sorted(self._specs.items()):
            if spec.is_unknown(("meta_name",)):
                continue
            job = self.jobs[position]
            key = (spec.pipeline, spec.meta_name)
            if job is not None and job.hook.named_after_probe:
                if key in first_jobs:
                    probes[position] = first_jobs[key].position
                elif not self._may_be_unread(*key, position):
                    known = [name for pipeline, name in first_jobs if pipeline == spec.pipeline]
                    text = (
                        f"'{spec.meta_name}' must name the earlier probe whose statistics it reads"
                    )
                    remedy = suggest(spec.meta_name, known)
                    self.problems.append(spec.problem(("meta_name",), text, remedy))
            elif key in first_jobs and spec.named and not _may_be_refinement(spec, job):
                place = first_jobs[key].place(("meta_name",))
                text = f"another job has the name '{spec.meta_name}' ({place})"
                self.problems.append(spec.problem(("meta_name",), text))
            first_jobs.setdefault(key, spec)
        return probes

    def _bind_inputs(self, spec: JobSpec) -> dict[Reference, Source]:
        bound: dict[Reference, Source] = {}
        for reference in spec.inputs:
            resolution = self._find(reference, spec.position)
            if isinstance(resolution, Fault):
                location = ("input", reference.target)
                self.problems.append(spec.problem(location, resolution.text, resolution.remedy))
            elif resolution is not None:
                bound[reference] = resolution
        return bound

    def _bind_updates(self) -> dict[int, dict[Reference, Source]]:
        """Bind what one iteration passes to the next, by the position of the receiving job."""
        carried: dict[int, dict[Reference, Source]] = {}
        for update in self.experiment.updates:
            reference = update.reference
            location = ("iter_updater", update.source)
            resolution = self._find(reference, len(self.jobs))
            targets = self._updated_jobs(update)
            for fault in (resolution, targets):
                if isinstance(fault, Fault):
                    problem = self.experiment.problem(location, fault.text, fault.remedy)
                    self.problems.append(problem)
            if isinstance(targets, Fault) or not isinstance(resolution, Source):
                continue
            for job in targets:
                if reference.target in {entry.target for entry in job.spec.inputs}:
                    text = f"the job's input sets '{reference.target}' already"
                    problem = self.experiment.problem(location, text, "remove one of them")
                    self.problems.append(problem)
                carried.setdefault(job.spec.position, {})[reference] = resolution
        return carried

    def _updated_jobs(self, update: Update) -> list[LoadedJob] | Fault:
        """Return the jobs that it updates: a refinement has the name of its probe."""
        end = len(self.jobs)
        positions = self.positions.get(update.job, ())
        if not positions and not self._may_be_unread(*update.job, end):
            return self._unknown(update.target, *update.job, end)
        jobs = (self.jobs[position] for position in positions)
        return [job for job in jobs if job is not None]

    def _find(self, reference: Reference, before: int) -> Resolution:
        """Find what a reference means among the jobs before a position."""
        source = reference.source
        if reference.back is not None:
            if reference.back > before:
                return Fault(f"'{source}': there is no earlier job")
            job = self.jobs[before - reference.back]
            return None if job is None else _in_job(source, job, reference.path)
        pipeline, name, *path = reference.path
        positions = self.positions.get((pipeline, name), [])
        earlier = positions[: bisect_left(positions, before)]
        if earlier:
            return self._in_latest(source, earlier, tuple(path))
        if self._may_be_unread(pipeline, name, before):
            return None
        if positions:
            return self._not_earlier(source, positions[0], before)
        return self._unknown(source, pipeline, name, before)

    def _in_latest(self, source: str, positions: list[int], path: tuple[str, ...]) -> Resolution:
        """Pick the latest job that has the output: a refinement has the name of its probe."""
        fault: Resolution = None
        for position in reversed(positions):
            job = self.jobs[position]
            if job is None:
                return None
            resolution = _in_job(source, job, path)
            if isinstance(resolution, Source):
                return resolution
            fault = fault or resolution
        return fault

    def _may_be_unread(self, pipeline: str, name: str, before: int) -> bool:
        return any(
            position < before and unread[0] in {pipeline, ""} and unread[1] in {name, ""}
            for position, unread in self.experiment.unread.items()
        )

    def _not_earlier(self, source: str, position: int, current: int) -> Fault:
        if position == current:
            return Fault(f"'{source}': refers to this job itself")
        place = self._specs[position].place()
        remedy = (
            "move it before this one, or take its value from the last iteration with iter_updater"
        )
        return Fault(f"'{source}': that job comes later ({place})", remedy)

    def _unknown(self, source: str, pipeline: str, name: str, before: int) -> Fault:
        if pipeline not in self.experiment.pipelines:
            known = suggest(pipeline, self.experiment.pipelines)
            return Fault(f"'{source}': no pipeline '{pipeline}'", known)
        names = {
            spec.meta_name
            for spec in self.experiment.jobs
            if spec.pipeline == pipeline and spec.position < before
        }
        earlier = "earlier job" if before < len(self.jobs) else "job"
        return Fault(f"'{source}': no {earlier} '{name}'", suggest(name, names))


def _may_be_refinement(spec: JobSpec, job: LoadedJob | None) -> bool:
    """Return whether a job whose hook is unknown may be one that has the name of its probe."""
    return job is None and spec.stage is Stage.REFINE_RECIPE


def _in_job(source: str, job: LoadedJob, path: tuple[str, ...]) -> Resolution:
    output, *rest = path
    names = job.output_names
    if job.has_unknown_outputs:
        return None
    if output.isdecimal() and int(output) < len(names):
        return Source(job.spec.position, names[int(output)], tuple(rest))
    if output not in names:
        text = f"'{source}': the job '{job.spec.meta_name}' has no output '{output}'"
        return Fault(text, suggest(output, names))
    return Source(job.spec.position, output, tuple(rest))
