"""The first pass: load the hook and the component of every job."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from djsb.config.experiment import split_seed
from djsb.config.problems import describe_errors
from djsb.config.trackers import VARIABLE, requested_trackers, unknown_trackers
from djsb.planner.settings import JobSettings, pending_settings, without_bad_overrides
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

CHOSEN_BY_TYPE = tuple(
    kind for kind in Kind if kind not in {Kind.HOOK, Kind.ENVIRONMENT, Kind.PLACEMENT, Kind.TRACKER}
)
"""Kinds of component that a job's ``type`` chooses among."""


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
    lacks_component: bool = False
    """Whether the component that its hook uses could not be loaded; that is reported."""

    @property
    def has_unknown_outputs(self) -> bool:
        """Whether its outputs cannot be named, because part of the job could not be read."""
        if self.spec.output is not None:
            return False
        absent = self.spec.incomplete or self.spec.is_unknown(("output",))
        return absent or (self.hook.outputs_of_component and self.lacks_component)

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
        self.without_hook: dict[int, type[AnyComponent]] = {}
        """The component, by position, of jobs whose hook is unknown."""
        self._seeded: set[str] = {pipeline for pipeline, _ in experiment.unread.values()}
        """Pipelines with a job that uses the seed, or may use it."""

    def load(self) -> list[LoadedJob | None]:
        """Load every job, by position; ``None`` for those whose hook is unknown."""
        experiment = self.experiment
        jobs: list[LoadedJob | None] = [None] * experiment.size
        for spec in experiment.jobs:
            jobs[spec.position] = self._load_job(spec)
        return jobs

    def _load_job(self, spec: JobSpec) -> LoadedJob | None:
        spec, errors = without_bad_overrides(spec)
        self.problems += [bad_override(spec, missing) for missing in errors]
        settings = pending_settings(spec)
        try:
            info, hook_type = self._load(Kind.HOOK, spec.hook)
        except RequestError as error:
            if not spec.is_unknown(("hook",)):
                self._add_error(spec, ("hook",), error)
            self._load_without_hook(spec, settings)
            return None
        hook = cast("type[Hook[Any, Any]]", hook_type)
        component_info, component = self._load_component(spec, hook, settings)
        lacks_component = hook.uses is not None and component is None
        if lacks_component:
            self._seeded.add(spec.pipeline)
        elif spec.seed is not None and _takes_seed(spec, hook, component):
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
            lacks_component=lacks_component,
        )
        self._check_outputs(job)
        return job if lacks_component else self._with_environment(job)

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
        self, spec: JobSpec, hook: type[Hook[Any, Any]], settings: JobSettings
    ) -> tuple[ComponentInfo | None, type[AnyComponent] | None]:
        """Load the component that a hook uses; ``None`` for none, and if it cannot be loaded."""
        slot, location = hook.uses, (EXTRA, "type")
        extra = settings.extra_configs or {}
        if slot is None or spec.is_unknown(location) or (spec.incomplete and "type" not in extra):
            return None, None
        kind = Kind.of(slot.interface)
        name = extra.get("type", slot.default)
        if name is None:
            known = ", ".join(info.name for info in self._list(kind.group))
            text = f"missing; choose a {kind.label}: {known or 'none installed'}"
            self.problems.append(spec.problem(location, text))
            return None, None
        try:
            return self._load(kind, str(name))
        except RequestError as error:
            isolated = not ENVIRONMENT_KEYS.isdisjoint(extra)
            self._add_error(spec, location, error, isolated=isolated)
            return None, None

    def _load_without_hook(self, spec: JobSpec, settings: JobSettings) -> None:
        """Load the component of a job whose hook is unknown, if only one has its name."""
        self._seeded.add(spec.pipeline)
        name = (settings.extra_configs or {}).get("type")
        components = []
        if not isinstance(name, str):
            return
        for kind in CHOSEN_BY_TYPE:
            with suppress(RequestError):
                components.append(self._load(kind, name)[1])
        if len(components) == 1:
            self.without_hook[spec.position] = components[0]

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
        if job.hook.outputs_of_component and job.lacks_component:
            return
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
            if self._seeded.isdisjoint((pipeline, "")):
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
