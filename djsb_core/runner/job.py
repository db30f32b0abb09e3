"""One job, ready to run: its settings resolved, its component built, its fingerprint known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from djsb_core.config.problems import describe_errors
from djsb_core.errors import ComponentError
from djsb_core.interfaces.component import ComponentConfig
from djsb_core.interfaces.hook import JobContext, Section
from djsb_core.interfaces.paths import PathContext
from djsb_core.runner.fingerprint import fingerprint
from djsb_core.runner.plan import configure
from djsb_core.runner.settings import resolved_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from djsb_core.config.references import Reference
    from djsb_core.interfaces.component import AnyComponent, Workspace
    from djsb_core.interfaces.hook import Hook
    from djsb_core.runner.planned import Plan, PlannedJob


@dataclass(frozen=True)
class PreparedJob:
    """A job whose references are resolved and whose component is built."""

    job: PlannedJob
    hook: Hook[Any, Any]
    component: AnyComponent | None
    workspace: Workspace
    settings: Mapping[str, Any]
    """``dj_configs`` and ``extra_configs`` as they are used."""
    fingerprint: str

    @property
    def written(self) -> tuple[Path, ...]:
        """The files outside the job's folder that the settings name for results."""
        parts = (self.hook, self.component) if self.component else (self.hook,)
        return tuple(path for part in parts for path in part.writes())

    def run(self, query: Callable[[str], Mapping[str, Any]]) -> tuple[Any, ...]:
        """Run the hook and return its outputs.

        :raises ComponentError: if it returns another number of outputs than it announces
        """
        spec = self.job.spec
        context: JobContext[Any] = JobContext(
            meta_name=spec.meta_name,
            pipeline=spec.pipeline,
            stage=spec.stage.value,
            component=self.component,
            workspace=self.workspace,
            dj_configs=self.settings["dj_configs"] or {},
            query=query,
        )
        outputs = self.hook.run(context)
        if len(outputs) != len(self.job.output_names):
            raise ComponentError(
                f"{spec.hook} returned {len(outputs)} values for the "
                f"{len(self.job.output_names)} names {', '.join(self.job.output_names)}"
            )
        return outputs


@dataclass
class History:
    """The finished jobs of a run, by position."""

    outputs: dict[int, dict[str, Any]] = field(default_factory=dict)
    fingerprints: dict[int, str] = field(default_factory=dict)


def prepare_job(plan: Plan, job: PlannedJob, history: History, workspace: Workspace) -> PreparedJob:
    """Resolve a job's references and build its component.

    :raises ComponentError: if a setting that an earlier job gave is wrong
    """
    values: dict[Reference, Any] = {
        reference: source.value_in(history.outputs[source.job])
        for reference, source in job.sources.items()
    }
    settings = resolved_settings(job.spec, values.__getitem__)
    component_values, hook_values = job.split(settings)
    context = PathContext(plan.experiment.folders)
    slot = job.hook.uses
    section = slot.section if slot else Section.EXTRA_CONFIGS
    alone = slot is None or section is Section.DJ_CONFIGS
    hook_type = job.hook.config_type if alone else ComponentConfig
    hook_config = _configured(job, hook_type, Section.EXTRA_CONFIGS, hook_values, context)
    hook = job.hook(hook_config, workspace)
    component = None
    if job.component is not None:
        model = job.component.config_type
        config = _configured(job, model, section, component_values, context)
        component = job.component(config, workspace)
    upstream = _upstream(job, history)
    return PreparedJob(
        job,
        hook,
        component,
        workspace,
        {"dj_configs": settings.dj_configs, "extra_configs": settings.extra_configs},
        fingerprint(job, (hook, component) if component else (hook,), values, upstream),
    )


def _upstream(job: PlannedJob, history: History) -> list[str]:
    """Return the fingerprints of the jobs whose metrics the job may read."""
    if job.probe is not None:
        return [history.fingerprints[job.probe]]
    return list(history.fingerprints.values()) if job.hook.asks_for_metrics else []


def _configured(
    job: PlannedJob,
    model: type[ComponentConfig],
    section: Section,
    values: dict[str, Any],
    context: PathContext,
) -> ComponentConfig:
    try:
        return configure(model, values, context)
    except ValidationError as error:
        problems = [
            job.spec.problem((section.value, *location), sentence)
            for location, sentence in describe_errors(error, model, values)
        ]
        raise ComponentError("\n  ".join(problems)) from error
