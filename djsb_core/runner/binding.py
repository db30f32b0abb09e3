"""Bind the references between jobs: which earlier output each one means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.errors import suggest
from djsb_core.runner.settings import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb_core.config.references import Reference
    from djsb_core.runner.planned import PlannedJob


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


def bind_references(jobs: Sequence[PlannedJob | None]) -> Iterator[str]:
    """Bind every reference of every job; yield a problem for each that means nothing."""
    for i, job in enumerate(jobs):
        if job is None:
            continue
        bound = {}
        for reference in job.spec.inputs:
            found = _find(reference, jobs[:i], job)
            if isinstance(found, str):
                yield job.spec.problem(("input", reference.target), found)
            elif found is not None:
                bound[reference] = found
        job.sources = bound


def _find(
    reference: Reference, earlier: Sequence[PlannedJob | None], job: PlannedJob
) -> Source | str | None:
    """Return what a reference means, a problem, or ``None`` if it cannot be told."""
    if reference.back is not None:
        if reference.back > len(earlier):
            return f"'{reference.source}': there is no earlier job"
        source = earlier[-reference.back]
        return None if source is None else _in_job(reference, source, reference.path)
    pipeline, name, *path = reference.path
    if any(one is None for one in earlier) and pipeline == job.spec.pipeline:
        named = [one for one in earlier if one is not None and one.spec.meta_name == name]
        if not named:
            return None  # it may be the job that could not be planned
    pipelines = {one.spec.pipeline for one in earlier if one is not None} | {job.spec.pipeline}
    if pipeline not in pipelines:
        return f"'{reference.source}': no pipeline '{pipeline}'; {suggest(pipeline, pipelines)}"
    return _by_name(reference, earlier, (pipeline, name, tuple(path)))


def _by_name(
    reference: Reference,
    earlier: Sequence[PlannedJob | None],
    wanted: tuple[str, str, tuple[str, ...]],
) -> Source | str | None:
    pipeline, name, path = wanted
    same = [one for one in earlier if one is not None and one.spec.pipeline == pipeline]
    named = [one for one in same if one.spec.meta_name == name]
    if not named:
        known = suggest(name, {one.spec.meta_name for one in same})
        return f"'{reference.source}': no earlier job '{name}'; {known}"
    for one in reversed(named):  # the latest earlier job of that name that has the output
        found = _in_job(reference, one, path)
        if isinstance(found, Source):
            return found
    return _in_job(reference, named[-1], path)


def _in_job(reference: Reference, job: PlannedJob, path: tuple[str, ...]) -> Source | str:
    output, *rest = path
    names = job.output_names
    if output.isdecimal() and int(output) < len(names):
        return Source(job.spec.position, names[int(output)], tuple(rest))
    if output not in names:
        return (
            f"'{reference.source}': the job '{job.spec.meta_name}' has no output '{output}'; "
            + suggest(output, names)
        )
    return Source(job.spec.position, output, tuple(rest))
