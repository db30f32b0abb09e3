"""One job, ready to run: its settings resolved and checked, its cache key computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from djsb.config.problems import describe_errors
from djsb.planner.settings import JobSettings, resolved_settings
from djsb.runner.exports import Export, exports_of, relative_places
from djsb.runner.fingerprint import Fingerprint, Parts, by_content, key_of
from djsb.runner.requirements import versions_in
from djsb_core.errors import ComponentError
from djsb_core.interfaces.component import Workspace
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.paths import PathContext
from djsb_core.job.perform import build
from djsb_core.job.reports import plain
from djsb_core.job.request import JobRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from djsb.cache.seal import Seal
    from djsb.config.references import Reference
    from djsb.planner.planned import PlannedJob
    from djsb.runner.history import History
    from djsb.runner.state import RunState
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.masking import Masker
    from djsb_core.problems import Problem

ENVIRONMENT = "environment"
"""The part of a key for the isolated environment that a job runs in."""

SECRETS = "secrets"
"""The part of a key for the values of the secrets in its other parts."""

PLACES = "places"
"""The part of a key for the paths from which a component resumes."""


@dataclass(frozen=True)
class PreparedJob:
    """A job whose references are resolved and whose component can be built."""

    job: PlannedJob
    settings: JobSettings
    """As used by the job."""
    context: PathContext
    built: tuple[AnyComponent, ...]
    """The configured hook and component, with results at the paths in the settings."""
    metrics: Mapping[str, Mapping[str, Any]]
    """Metrics of earlier jobs, for a hook that queries them."""
    measure: Callable[[], Parts]
    """Return the parts of the key, of files and code as they are at the moment."""
    measured: Parts
    """The parts as they were when the job was prepared."""
    parts: Parts
    """The same, without secrets."""

    @cached_property
    def key(self) -> str:
        """The job's key in the cache."""
        return key_of(self.parts)

    @cached_property
    def repeat_key(self) -> str:
        """The key without paths: equal in two iterations that do the same work."""
        if PLACES not in self.parts:
            return self.key
        return key_of({name: part for name, part in self.parts.items() if name != PLACES})

    @property
    def sections(self) -> dict[str, Any]:
        """The settings as plain data."""
        dj_configs, extra_configs = self.settings.sections()
        return {"dj_configs": dj_configs, "extra_configs": extra_configs}

    @property
    def resumes(self) -> bool:
        """Whether the component resumes an interrupted execution."""
        return any(component.resumes() for component in self.built)

    @property
    def keeps_folder(self) -> bool:
        """Whether an interrupted execution's folder is used again."""
        return self.resumes or any(component.keeps_partial_results for component in self.built)

    @cached_property
    def named(self) -> tuple[Path, ...]:
        """The paths outside the job's folder that its settings name for results."""
        return tuple(path for component in self.built for path in component.writes())

    def sources_in(self, folder: Path, history: History) -> dict[Path, Path]:
        """Return where each named result is created: in the job's folder.

        A component that resumes an interrupted execution works at the named path itself.
        """
        if self.resumes:
            return {path: history.place(path, self.job.spec) for path in self.named}
        return {path: folder / place for path, place in relative_places(self.named).items()}

    def exports(self, folder: Path, history: History) -> list[Export]:
        """List the named results that the job created in ``folder``."""
        sources = self.sources_in(folder, history)
        if self.resumes:
            return [Export(named, path, path) for named, path in sources.items() if path.exists()]
        subfolders = history.subfolders(self.job.spec)
        return [
            export
            for named, path in sources.items()
            for export in exports_of(named, path, subfolders)
        ]

    def request(self, folder: Path, log: Path, history: History) -> JobRequest:
        """Return everything needed to run the job."""
        spec, info = self.job.spec, self.job.component_info
        return JobRequest(
            hook=spec.hook,
            component=info.name if info else None,
            dj_configs=plain(self.settings.dj_configs),
            extra_configs=plain(self.settings.extra_configs),
            id=spec.id,
            folder=folder,
            log=log,
            lookup=self.context.folders,
            outputs=self.sources_in(folder, history),
            placed=self.context.placed,
            metrics=self.metrics,
            output_names=self.job.output_names,
        )


def prepare_job(
    state: RunState,
    job: PlannedJob,
    history: History,
    metrics: Mapping[str, Mapping[str, Any]],
) -> PreparedJob:
    """Resolve a job's references, check its settings and compute its key.

    :param state: of the run
    :param metrics: of earlier jobs, if its hook queries them
    :raises ComponentError: if a setting from an earlier job is invalid
    """
    values = _values(job, history)
    digests = state.cache.digests
    settings = resolved_settings(job.spec, values)
    _refuse_environment(job, settings)
    context = PathContext(state.plan.experiment.folders, placed=history.placed(job.spec))
    built = _build(job, settings, context)
    interpreter = None if job.environment is None else state.places.of(job).interpreter

    def versions() -> Mapping[str, str]:
        wanted = job.environment.requirements if job.environment else ()
        return versions_in(interpreter.python.parent.parent, wanted) if interpreter else {}

    def measure(*, again: bool = True) -> Parts:
        contents = {ref: by_content(v, digests) if ref.key else v for ref, v in values.items()}
        comparable = resolved_settings(job.spec, contents)
        other = versions if interpreter else None
        parts = Fingerprint(digests, context, built, other, again).parts(
            (job.hook_info, job.component_info),
            _deciding(job, comparable),
            metrics,
            job.output_names,
        )
        if job.environment is not None:
            parts[ENVIRONMENT] = job.environment.key[:16]
        return parts

    measured = measure(again=False)
    parts = without_secrets(measured, state.masker, state.cache.seal)
    prepared = PreparedJob(job, settings, context, built, metrics, measure, measured, parts)
    if prepared.resumes:  # existing files there determine the result
        parts[PLACES] = sorted(str(history.place(path, job.spec)) for path in prepared.named)
    return prepared


def _deciding(job: PlannedJob, settings: JobSettings) -> dict[str, Any]:
    """Return the sections without the settings that cannot change the result."""
    sections = {"dj_configs": settings.dj_configs, "extra_configs": settings.extra_configs}
    slot = job.hook.uses
    values = sections[slot.section.value] if slot else None
    if slot and job.component and isinstance(values, Mapping):
        rest: Any = values
        for setting in sorted(job.component.neutral):
            rest = _without(rest, setting.split("."))
        sections[slot.section.value] = rest
    return sections


def _without(value: Any, place: list[str]) -> Any:  # noqa: ANN401 (any setting)
    """Return a value without the settings at a place; ``*`` is any key or index."""
    first, *rest = place
    if isinstance(value, list | tuple):
        return [_without(item, rest) for item in value] if first == "*" and rest else value
    if not isinstance(value, Mapping):
        return value
    if rest:
        chosen = value.keys() if first == "*" else {first}
        return {k: _without(item, rest) if k in chosen else item for k, item in value.items()}
    return {key: item for key, item in value.items() if key != first}


def without_secrets(parts: Parts, masker: Masker, seal: Seal) -> Parts:
    """Mask the secrets in the parts of a key; a digest of their values takes their place."""
    masked: Parts = masker.value(parts)
    return masked if masked == parts else {**masked, SECRETS: seal.digest(parts)}


def _refuse_environment(job: PlannedJob, settings: JobSettings) -> None:
    """Reject an environment that differs from the planned one."""
    planned, resolved = job.settings.extra_configs or {}, settings.extra_configs or {}
    for key in sorted(ENVIRONMENT_KEYS):
        if planned.get(key) != resolved.get(key):
            raise ComponentError(
                f"extra_configs.{key} comes from an earlier job, but the environment is chosen "
                "before the run; set it in the file"
            )


def _values(job: PlannedJob, history: History) -> dict[Reference, Any]:
    """Return values carried over from the last iteration, then those of earlier jobs."""
    previous = history.previous
    carried = job.carried if previous is not None else {}
    return {
        **{
            ref: src.value_in(previous.outputs[src.job]) for ref, src in carried.items() if previous
        },
        **{ref: src.value_in(history.outputs[src.job]) for ref, src in job.sources.items()},
    }


def _build(
    job: PlannedJob, settings: JobSettings, context: PathContext
) -> tuple[AnyComponent, ...]:
    try:
        hook, component = build(job.hook, job.component, settings.sections(), Workspace(), context)
    except ValidationError as error:
        raise ComponentError("\n  ".join(map(str, _problems(job, settings, error)))) from error
    return (hook, component) if component else (hook,)


def _problems(job: PlannedJob, settings: JobSettings, error: ValidationError) -> list[Problem]:
    slot = job.hook.uses
    is_component = job.component is not None and error.title == job.component.config_type.__name__
    section = slot.section if slot and is_component else Section.EXTRA_CONFIGS
    model = job.component.config_type if is_component and job.component else job.hook.config_type
    dj_configs, extra_configs = settings.sections()
    values = dj_configs if section is Section.DJ_CONFIGS else extra_configs
    return [
        job.spec.problem((section.value, *problem.location), problem.text, problem.remedy)
        for problem in describe_errors(error, model, values)
    ]
