"""Bind the references between jobs: which output of which job each one means."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, TypeAlias

from djsb.config.references import Reference, Update
from djsb.planner.settings import Source
from djsb_core.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb.config.experiment import Experiment
    from djsb.config.targets import Target
    from djsb.planner.planned import PlannedJob

Found: TypeAlias = Source | str | None
"""What a reference means, a problem, or ``None`` where it cannot be told."""


def check_names(jobs: Sequence[PlannedJob | None]) -> Iterator[str]:
    """Find names that two jobs share, and refinements that name no probe; note the probes."""
    first: dict[tuple[str, str], PlannedJob] = {}
    unplanned = False
    for job in jobs:
        if job is None:
            unplanned = True  # a probe, perhaps
            continue
        spec = job.spec
        key = (spec.pipeline, spec.meta_name)
        if job.hook.named_after_probe:
            if key in first:
                job.probe = first[key].spec.position
            elif not unplanned:
                known = [name for pipeline, name in first if pipeline == spec.pipeline]
                yield spec.problem(
                    ("meta_name",),
                    f"'{spec.meta_name}' must name the earlier probe whose statistics it reads; "
                    + suggest(spec.meta_name, known),
                )
        elif key in first and spec.named:
            place = first[key].spec.problem(("meta_name",), "").split(": ")[0]
            yield spec.problem(
                ("meta_name",), f"another job has the name '{spec.meta_name}' ({place})"
            )
        first.setdefault(key, job)


class Binder:
    """Knows every job of an experiment by name and place, the unreadable ones too."""

    def __init__(self, experiment: Experiment, jobs: Sequence[PlannedJob | None]) -> None:
        """Take the jobs by position; ``None`` for those that could not be read or planned."""
        self.experiment = experiment
        self.jobs = jobs
        names = dict(experiment.unread)
        names |= {spec.position: (spec.pipeline, spec.meta_name) for spec in experiment.jobs}
        self.positions: dict[tuple[str, str], list[int]] = {}
        for position in sorted(names):
            self.positions.setdefault(names[position], []).append(position)

    def bind_inputs(self) -> Iterator[str]:
        """Bind every reference of every job; yield a problem for each that means nothing."""
        for job in self.jobs:
            if job is None:
                continue
            bound = {}
            for reference in job.spec.inputs:
                found = self._find(reference, job.spec.position)
                if isinstance(found, str):
                    yield job.spec.problem(("input", reference.target), found)
                elif found is not None:
                    bound[reference] = found
            job.sources = bound

    def bind_updates(self) -> Iterator[str]:
        """Bind what one iteration gives to the next; yield a problem for what means nothing."""
        for update in self.experiment.updates:
            reference = update.reference
            location = ("iter_updater", update.source)
            found = self._find(reference, len(self.jobs))
            targets = self._updated(update)
            for problem in (found, targets):
                if isinstance(problem, str):
                    yield self.experiment.problem(location, problem)
            if isinstance(targets, str) or not isinstance(found, Source):
                continue
            for job in targets:
                if reference.target in {one.target for one in job.spec.inputs}:
                    text = f"the job's input sets '{reference.target}' already; remove one of them"
                    yield self.experiment.problem(location, text)
                job.carried = {**job.carried, reference: found}

    def bind_targets(self) -> Iterator[str | tuple[Target, Source]]:
        """Yield each target with what it means, or the problem of one that means nothing."""
        for target, location in self.experiment.targets:
            found = self._find(Reference("", target.source), len(self.jobs))
            if isinstance(found, str):
                yield self.experiment.problem(location, found)
            elif found is not None:
                yield target, found

    def _updated(self, update: Update) -> list[PlannedJob] | str:
        """Return the jobs whose setting it is: a refinement has the name of its probe."""
        every = len(self.jobs)
        positions = self.positions.get(update.job, ())
        if not positions and not self._may_be_unread(*update.job, every):
            return f"'{update.target}': {self._unknown(*update.job, every)}"
        found = (self.jobs[position] for position in positions)
        return [planned for planned in found if planned is not None]

    def _find(self, reference: Reference, before: int) -> Found:
        """Find what a reference means among the jobs before a position."""
        source = reference.source
        if reference.back is not None:
            if reference.back > before:
                return f"'{source}': there is no earlier job"
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
            return f"'{source}': {self._too_late(positions[0], before)}"
        return f"'{source}': {self._unknown(pipeline, name, before)}"

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

    def _too_late(self, position: int, asking: int) -> str:
        if position == asking:
            return "that is this job itself"
        spec = next(spec for spec in self.experiment.jobs if spec.position == position)
        place = spec.problem((), "").split(": ")[0]
        return (
            f"that job stands later ({place}); move it before this one, or take its value of the "
            "last iteration with iter_updater"
        )

    def _unknown(self, pipeline: str, name: str, before: int) -> str:
        if pipeline not in self.experiment.pipelines:
            return f"no pipeline '{pipeline}'; {suggest(pipeline, self.experiment.pipelines)}"
        known = [
            spec.meta_name
            for spec in self.experiment.jobs
            if spec.pipeline == pipeline and spec.position < before
        ]
        earlier = "earlier job" if before < len(self.jobs) else "job"
        return f"no {earlier} '{name}'; {suggest(name, set(known))}"


def _in_job(source: str, job: PlannedJob, path: tuple[str, ...]) -> Source | str:
    output, *rest = path
    names = job.output_names
    if output.isdecimal() and int(output) < len(names):
        return Source(job.spec.position, names[int(output)], tuple(rest))
    if output not in names:
        return f"'{source}': the job '{job.spec.meta_name}' has no output '{output}'; " + suggest(
            output, names
        )
    return Source(job.spec.position, output, tuple(rest))
