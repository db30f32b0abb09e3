"""The first pass: load the hook and the component of every job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from djsb.config.experiment import split_seed
from djsb.config.problems import describe_errors
from djsb.config.trackers import VARIABLE, requested_trackers, unknown_trackers
from djsb.planner.settings import JobSettings, pending_settings
from djsb_core.discovery import (
    find_component,
    list_components,
    load_component,
    load_isolation,
)
from djsb_core.errors import PluginLoadError, RequestError, UnknownComponentError
from djsb_core.interfaces.hook import Hook, Section
from djsb_core.interfaces.isolation import EnvironmentSettingsError, WantedEnvironment
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.kinds import Kind
from djsb_core.problems import Problem
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel, ValidationError

    from djsb.config.experiment import Experiment, JobSpec
    from djsb_core.announced import ComponentInfo
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.paths import PathContext
    from djsb_core.problems import Location

IMPORTED_HERE = (
    "; to check its settings, its module is also imported here, not only in its environment: "
    "import libraries that are missing here inside the methods that use them"
)
EXTRA = Section.EXTRA_CONFIGS.value
SEED_SETTING = f"{EXTRA}.seed"
SEEDED = {
    Kind.MODEL_TRAIN_EXECUTOR,
    Kind.MODEL_INFER_EXECUTOR,
    Kind.MODEL_EVALUATOR,
    Kind.DATA_EVALUATOR,
}
"""Kinds of component that use a pipeline's ``seeds``: training, inference, evaluation."""


@dataclass(frozen=True, kw_only=True)
class LoadedJob:
    """One job whose hook and component are loaded."""

    spec: JobSpec
    hook: type[Hook[Any, Any]]
    hook_info: ComponentInfo
    component: type[AnyComponent] | None
    component_info: ComponentInfo | None
    settings: JobSettings
    """As far as they are known before the run."""
    environment: WantedEnvironment | None = None
    """The isolated environment that it runs in; ``None``: djsb's own."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the job's outputs, in order: the file's, else those of the hook."""
        return self.spec.output or self.returned_names

    @property
    def returned_names(self) -> tuple[str, ...]:
        """The output names that the hook (or its component) declares."""
        if self.hook.outputs_of_component and self.component is not None:
            return self.component.output_names
        return self.hook.output_names


class Loader:
    """Loads the jobs of one experiment and collects their problems."""

    def __init__(self, experiment: Experiment, context: PathContext) -> None:
        """Load nothing yet.

        :param context: where files named by an environment's settings are looked up
        """
        self.experiment = experiment
        self.context = context
        self.problems: list[Problem] = []
        # Each look-up reads the metadata of every package: cached, failures included.
        self._loaded: dict[
            tuple[Kind, str], RequestError | tuple[ComponentInfo, type[AnyComponent]]
        ] = {}
        self._listed: dict[str, list[ComponentInfo]] = {}
        self._load_isolation = cache(load_isolation)
        self._seeded: set[str] = set()
        """Pipelines with a job that uses the seed."""

    def load(self) -> list[LoadedJob | None]:
        """Load every job, by position; ``None`` for those that cannot be loaded or read."""
        experiment = self.experiment
        jobs: list[LoadedJob | None] = [None] * (len(experiment.jobs) + len(experiment.unread))
        for spec in experiment.jobs:
            jobs[spec.position] = self._load_job(spec)
        return jobs

    def _load_job(self, spec: JobSpec) -> LoadedJob | None:
        try:
            info, hook_type = self._load(Kind.HOOK, spec.hook)
        except RequestError as error:
            self._add_error(spec, ("hook",), error)
            return None
        hook = cast("type[Hook[Any, Any]]", hook_type)
        try:
            settings = pending_settings(spec)
        except KeyError as missing:
            self.problems.append(bad_override(spec, missing))
            return None
        try:
            component_info, component = self._load_component(hook, settings)
        except RequestError as error:
            # An unreadable settings file, which may set the type, is reported already.
            if not spec.sections[Section.EXTRA_CONFIGS].failed:
                isolated = not ENVIRONMENT_KEYS.isdisjoint(settings.extra_configs or {})
                self._add_error(spec, (EXTRA, "type"), error, isolated=isolated)
            return None
        if spec.seed is not None and _takes_seed(spec, hook, component):
            self._seeded.add(spec.pipeline)
            spec = spec.with_local(SEED_SETTING, spec.seed)
            settings = pending_settings(spec)
        job = LoadedJob(
            spec=spec,
            hook=hook,
            hook_info=info,
            component=component,
            component_info=component_info,
            settings=settings,
        )
        self._check_outputs(job)
        return self._with_environment(job)

    def _load(self, kind: Kind, name: str) -> tuple[ComponentInfo, type[AnyComponent]]:
        """Find and import one component.

        :raises RequestError: if there is none, or it cannot be used
        """
        entry = self._loaded.get((kind, name))
        if entry is None:
            try:
                entry = find_component(kind, name), load_component(kind, name)
            except RequestError as error:
                entry = error
            self._loaded[kind, name] = entry
        if isinstance(entry, RequestError):
            raise entry.with_traceback(None)
        return entry

    def _load_component(
        self, hook: type[Hook[Any, Any]], settings: JobSettings
    ) -> tuple[ComponentInfo | None, type[AnyComponent] | None]:
        slot = hook.uses
        if slot is None:
            return None, None
        kind = Kind.of(slot.interface)
        name = (settings.extra_configs or {}).get("type", slot.default)
        if name is None:
            known = ", ".join(info.name for info in self._list(kind.group))
            raise RequestError(f"missing; choose a {kind.label}: {known or 'none installed'}")
        return self._load(kind, str(name))

    def _list(self, group: str) -> list[ComponentInfo]:
        if group not in self._listed:
            self._listed[group] = list_components(group)
        return self._listed[group]

    def _add_error(
        self, spec: JobSpec, location: Location, error: RequestError, *, isolated: bool = False
    ) -> None:
        """Record why a component cannot be used.

        :param isolated: whether the job runs in an environment of its own
        """
        text, remedy = str(error), ""
        if isinstance(error, UnknownComponentError):
            text, remedy = error.text, error.remedy
        elif isolated and isinstance(error, PluginLoadError):
            text += IMPORTED_HERE
        self.problems.append(spec.problem(location, text, remedy))

    def _check_outputs(self, job: LoadedJob) -> None:
        names, output = job.returned_names, job.spec.output
        if output is not None and len(output) != len(names):
            text = f"{counted(len(output), 'name')} for {counted(len(names), 'value')}"
            remedy = f"it returns {', '.join(names)}"
            self.problems.append(job.spec.problem(("output",), text, remedy))

    def _with_environment(self, job: LoadedJob) -> LoadedJob:
        """Add the isolated environment that a job asks for, if any."""
        extra = job.settings.sections()[1] or {}
        keys = [key for key in extra if key in ENVIRONMENT_KEYS and extra[key] is not None]
        if not keys:
            return job
        infos = [info for info in (job.hook_info, job.component_info) if info is not None]
        try:
            environment = self._load_isolation().wanted(
                extra, infos, job.component, self.context, describe_settings
            )
        except EnvironmentSettingsError as error:
            for location, sentence in error.problems:
                self.problems.append(job.spec.problem((EXTRA, *location), sentence))
            return job
        except RequestError as error:
            self.problems.append(job.spec.problem((EXTRA, keys[0]), str(error)))
            return job
        return replace(job, environment=environment)

    def check_seeds(self) -> Iterator[Problem]:
        """Report pipelines whose result would not depend on the seed."""
        pipelines = {spec.pipeline: spec for spec in self.experiment.jobs if spec.seed is not None}
        for pipeline, spec in pipelines.items():
            if pipeline not in self._seeded:
                text = "no training, inference or evaluation job takes a seed"
                key = (split_seed(pipeline)[0],)
                yield spec.source.problem(spec.location, text, "remove seeds", key=key)

    def check_trackers(self) -> Iterator[Problem]:
        """Report trackers that no installed package provides."""
        names = self.experiment.schema.trackers
        unknown = unknown_trackers(requested_trackers(names))
        for i, name in enumerate(names or ()):
            if name in unknown:
                yield self.experiment.problem(("trackers", i), unknown[name])
        if names is None:
            for text in unknown.values():
                yield Problem(text, location=(VARIABLE,))


def describe_settings(
    error: ValidationError, model: type[BaseModel], values: object
) -> Iterator[tuple[Location, str]]:
    """Yield the problems of an environment's config: location and text."""
    for problem in describe_errors(error, model, values):
        yield problem.location, problem.sentence


def bad_override(spec: JobSpec, missing: KeyError) -> Problem:
    """Report that a job's ``local`` names a key that does not exist."""
    text = f"an override names '{missing.args[0]}', which does not exist"
    return spec.problem(("local",), text)


def _takes_seed(
    spec: JobSpec, hook: type[Hook[Any, Any]], component: type[AnyComponent] | None
) -> bool:
    """Return whether a job's component takes its ``seed`` from the pipeline's ``seeds``."""
    if component is None or hook.uses is None:
        return False
    targets = {reference.target for reference in spec.inputs}
    return (
        Kind.of(hook.uses.interface) in SEEDED
        and "seed" in component.config_type.model_fields
        and SEED_SETTING not in targets
    )
