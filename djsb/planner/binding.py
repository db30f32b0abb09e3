"""The second pass: bind the references between jobs to the outputs that they mean."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from djsb.config.references import Reference, Update
from djsb.planner.load import LoadedJob
from djsb.planner.settings import Source
from djsb_core.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb.config.experiment import Experiment
    from djsb.config.targets import Target
    from djsb_core.problems import Problem


@dataclass(frozen=True)
class Fault:
    """Why a reference means nothing, and what would be right."""

    text: str
    remedy: str = ""


Found: TypeAlias = Source | Fault | None
"""What a reference means, a fault, or ``None`` where it cannot be told."""

BoundTargets: TypeAlias = tuple[tuple["Target", Source], ...]
"""What ends the iteration, and which output each target looks at."""


@dataclass(frozen=True, kw_only=True)
class BoundJob(LoadedJob):
    """One loaded job whose references are bound."""

    sources: Mapping[Reference, Source] = field(default_factory=lambda: MappingProxyType({}))
    """What each entry of its ``input`` means."""
    carried: Mapping[Reference, Source] = field(default_factory=lambda: MappingProxyType({}))
    """Settings that take their value from the iteration before; the first has the file's."""
    probe: int | None = None
    """Position of the job whose metrics this one reads, for a refinement."""


class Binder:
    """Knows every job of an experiment by name and place, the unreadable ones too."""

    def __init__(self, experiment: Experiment, jobs: Sequence[LoadedJob | None]) -> None:
        """Take the jobs by position; ``None`` for those that could not be read or loaded."""
        self.experiment = experiment
        self.jobs = jobs
        self.problems: list[Problem] = []
        names = dict(experiment.unread)
        names |= {spec.position: (spec.pipeline, spec.meta_name) for spec in experiment.jobs}
        self._specs = {spec.position: spec for spec in experiment.jobs}
        self.positions: dict[tuple[str, str], list[int]] = {}
        for position in sorted(names):
            self.positions.setdefault(names[position], []).append(position)

    def bind(self) -> list[BoundJob | None]:
        """Bind every job, by position; ``None`` for those that could not be read or loaded."""
        probes = self._find_probes()
        sources = [self._bind_inputs(job) for job in self.jobs]
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
        """Bind each target of the iteration to the output that it looks at."""
        bound = []
        for target, location in self.experiment.targets:
            found = self._find(Reference("", target.source), len(self.jobs))
            if isinstance(found, Fault):
                self.problems.append(self.experiment.problem(location, found.text, found.remedy))
            elif found is not None:
                bound.append((target, found))
        return tuple(bound)

    def _find_probes(self) -> dict[int, int]:
        """Find the probe of each refinement, and names that two jobs share."""
        probes: dict[int, int] = {}
        first: dict[tuple[str, str], LoadedJob] = {}
        unplanned = False
        for job in self.jobs:
            if job is None:
                unplanned = True  # a probe, perhaps
                continue
            spec = job.spec
            key = (spec.pipeline, spec.meta_name)
            if job.hook.named_after_probe:
                if key in first:
                    probes[spec.position] = first[key].spec.position
                elif not unplanned:
                    known = [name for pipeline, name in first if pipeline == spec.pipeline]
                    text = (
                        f"'{spec.meta_name}' must name the earlier probe whose statistics it reads"
                    )
                    remedy = suggest(spec.meta_name, known)
                    self.problems.append(spec.problem(("meta_name",), text, remedy))
            elif key in first and spec.named:
                place = first[key].spec.place(("meta_name",))
                text = f"another job has the name '{spec.meta_name}' ({place})"
                self.problems.append(spec.problem(("meta_name",), text))
            first.setdefault(key, job)
        return probes

    def _bind_inputs(self, job: LoadedJob | None) -> dict[Reference, Source]:
        bound: dict[Reference, Source] = {}
        if job is None:
            return bound
        for reference in job.spec.inputs:
            found = self._find(reference, job.spec.position)
            if isinstance(found, Fault):
                location = ("input", reference.target)
                self.problems.append(job.spec.problem(location, found.text, found.remedy))
            elif found is not None:
                bound[reference] = found
        return bound

    def _bind_updates(self) -> dict[int, dict[Reference, Source]]:
        """Bind what one iteration gives to the next, by the position of the job that takes it."""
        carried: dict[int, dict[Reference, Source]] = {}
        for update in self.experiment.updates:
            reference = update.reference
            location = ("iter_updater", update.source)
            found = self._find(reference, len(self.jobs))
            targets = self._updated(update)
            for fault in (found, targets):
                if isinstance(fault, Fault):
                    problem = self.experiment.problem(location, fault.text, fault.remedy)
                    self.problems.append(problem)
            if isinstance(targets, Fault) or not isinstance(found, Source):
                continue
            for job in targets:
                if reference.target in {one.target for one in job.spec.inputs}:
                    text = f"the job's input sets '{reference.target}' already"
                    problem = self.experiment.problem(location, text, "remove one of them")
                    self.problems.append(problem)
                carried.setdefault(job.spec.position, {})[reference] = found
        return carried

    def _updated(self, update: Update) -> list[LoadedJob] | Fault:
        """Return the jobs whose setting it is: a refinement has the name of its probe."""
        every = len(self.jobs)
        positions = self.positions.get(update.job, ())
        if not positions and not self._may_be_unread(*update.job, every):
            return self._unknown(update.target, *update.job, every)
        found = (self.jobs[position] for position in positions)
        return [job for job in found if job is not None]

    def _find(self, reference: Reference, before: int) -> Found:
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
            return self._too_late(source, positions[0], before)
        return self._unknown(source, pipeline, name, before)

    def _in_latest(self, source: str, positions: list[int], path: tuple[str, ...]) -> Found:
        """Take the latest job that has the output: a refinement has the name of its probe."""
        found: Found = None
        for position in reversed(positions):
            job = self.jobs[position]
            if job is None:
                return None
            here = _in_job(source, job, path)
            if isinstance(here, Source):
                return here
            found = found or here
        return found

    def _may_be_unread(self, pipeline: str, name: str, before: int) -> bool:
        return any(
            position < before and unread[0] in {pipeline, ""} and unread[1] in {name, ""}
            for position, unread in self.experiment.unread.items()
        )

    def _too_late(self, source: str, position: int, asking: int) -> Fault:
        if position == asking:
            return Fault(f"'{source}': that is this job itself")
        place = self._specs[position].place()
        remedy = (
            "move it before this one, or take its value of the last iteration with iter_updater"
        )
        return Fault(f"'{source}': that job stands later ({place})", remedy)

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


def _in_job(source: str, job: LoadedJob, path: tuple[str, ...]) -> Source | Fault:
    output, *rest = path
    names = job.output_names
    if output.isdecimal() and int(output) < len(names):
        return Source(job.spec.position, names[int(output)], tuple(rest))
    if output not in names:
        text = f"'{source}': the job '{job.spec.meta_name}' has no output '{output}'"
        return Fault(text, suggest(output, names))
    return Source(job.spec.position, output, tuple(rest))
