"""A plan as text: what ``djsb run --dry-run`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.text import counted, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb.planner.planned import Plan, PlannedJob

UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def plan_text(plan: Plan) -> str:
    """List every job with stage, hook, component, inputs (``←``) and outputs (``→``)."""
    schema = plan.experiment.schema
    count = len(plan.pipelines)
    head = (
        f"{schema.project_name} / {schema.experiment_name}: {counted(len(plan.jobs), 'job')}"
        f"{f' in {count} pipelines' if count > 1 else ''}, results in {schema.work_dir}"
    )
    lines = [head, *_iterations(plan)]
    width = max((len(job.spec.meta_name) for job in plan.jobs), default=0)
    for i, name in enumerate(plan.pipelines):
        if count > 1:
            lines.append(f"\n{_heading(plan, i)}")
        lines += _stages(plan, name, width)
    return "\n".join([*lines, *(f"\nnote: {warning}" for warning in plan.warnings)])


def _iterations(plan: Plan) -> Iterator[str]:
    schema = plan.experiment.schema
    if schema.max_iter_num != 1:
        most = f"at most {schema.max_iter_num}" if schema.max_iter_num else "no limit"
        yield f"iterations: {most}"
    if plan.targets:
        mode = f" ({schema.iter_targets_mode})" if len(plan.targets) > 1 else ""
        yield f"until{mode}: {', '.join(target.text for target, _ in plan.targets)}"


def _heading(plan: Plan, index: int) -> str:
    """Name a pipeline, and those that it waits for unless it waits for all earlier ones."""
    name, earlier = plan.pipelines[index], plan.pipelines[:index]
    needs = [other for other in earlier if other in plan.needs[name]]
    if len(needs) == len(earlier):
        return f"pipeline {name}"
    return f"pipeline {name} (after: {', '.join(needs) or 'none'})"


def _stages(plan: Plan, pipeline: str, width: int) -> Iterator[str]:
    stage = None
    for job in plan.jobs_of(pipeline):
        if job.spec.stage is not stage:
            stage = job.spec.stage
            yield f"\n{stage.value}"
        yield from _job(job, width)


def _job(job: PlannedJob, width: int) -> Iterator[str]:
    name = f"{job.spec.position + 1:>3}  {job.spec.meta_name:<{width}}"
    info = job.component_info
    component = f": {info.name} ({info.package} {info.version})" if info else ""
    yield f"{name}  {job.spec.hook}{component}"
    for reference in job.spec.inputs:
        yield f"       {reference.target} ← {reference.source}"
    for reference in job.carried:
        yield f"       {reference.target} ← {reference.source} (of the previous iteration)"
    if job.environment is not None:
        yield f"       in the environment {job.environment.label}"
    yield f"       {', '.join([*_resources(job), *_limits(job)])}"
    yield f"       → {', '.join(job.output_names)}"


def _resources(job: PlannedJob) -> Iterator[str]:
    """Name what the job uses of the machine, set in the file or by its component."""
    resources = job.spec.resources.over(job.default_resources)
    yield f"{resources.cpus:g} {'CPU' if resources.cpus == 1 else 'CPUs'}"
    if resources.gpus:
        yield f"{resources.gpus:g} {'GPU' if resources.gpus <= 1 else 'GPUs'}"
    if resources.memory:
        yield f"{size_text(resources.memory, binary=True)} of memory"


def _limits(job: PlannedJob) -> Iterator[str]:
    spec = job.spec
    if spec.timeout is not None:
        yield f"timeout {_duration(spec.timeout)}"
    if spec.retries:
        yield f"retries {spec.retries}"
    if not spec.cache:
        yield "cache: false"


def _duration(seconds: float) -> str:
    """Format seconds as in an experiment file: ``90s``, ``15m``, ``2h``."""
    for unit, size in UNITS:
        if seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"
