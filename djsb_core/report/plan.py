"""A plan as a table: what ``djsb run --dry-run`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.report.format import table

if TYPE_CHECKING:
    from djsb_core.runner.planned import Plan, PlannedJob


def plan_table(plan: Plan) -> str:
    """List every job with stage, hook, component, inputs and outputs."""
    rows = [
        (
            job.spec.position + 1,
            job.spec.stage.value,
            job.spec.meta_name,
            job.spec.hook,
            _component(job),
            "\n".join(f"{ref.target} ← {ref.source}" for ref in job.spec.inputs),
            "\n".join(job.output_names),
        )
        for job in plan.jobs
    ]
    schema = plan.experiment.schema
    headers = ("", "stage", "meta_name", "hook", "component", "input", "output")
    return (
        f"{schema.project_name} / {schema.experiment_name}: {len(rows)} jobs, "
        f"results in {schema.work_dir}\n\n{table(rows, headers, right=(0,))}"
    )


def _component(job: PlannedJob) -> str:
    offer = job.component_offer
    return f"{offer.name}\n({offer.package} {offer.version})" if offer else ""
