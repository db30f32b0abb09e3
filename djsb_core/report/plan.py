"""A plan as text: what ``djsb run --dry-run`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb_core.runner.planned import Plan, PlannedJob


def plan_text(plan: Plan) -> str:
    """List every job with stage, hook, component, inputs (``←``) and outputs (``→``)."""
    schema = plan.experiment.schema
    head = (
        f"{schema.project_name} / {schema.experiment_name}: {len(plan.jobs)} jobs, "
        f"results in {schema.work_dir}"
    )
    return "\n".join([head, *_stages(plan)])


def _stages(plan: Plan) -> Iterator[str]:
    stage = None
    width = max(len(job.spec.meta_name) for job in plan.jobs)
    for job in plan.jobs:
        if job.spec.stage is not stage:
            stage = job.spec.stage
            yield f"\n{stage.value}"
        yield from _job(job, width)


def _job(job: PlannedJob, width: int) -> Iterator[str]:
    name = f"{job.spec.position + 1:>3}  {job.spec.meta_name:<{width}}"
    offer = job.component_offer
    component = f": {offer.name} ({offer.package} {offer.version})" if offer else ""
    yield f"{name}  {job.spec.hook}{component}"
    for reference in job.spec.inputs:
        yield f"       {reference.target} ← {reference.source}"
    yield f"       → {', '.join(job.output_names)}"
