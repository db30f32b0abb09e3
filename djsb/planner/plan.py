"""Load and configure every job of an experiment before the first one runs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from djsb.config.experiment import split_seed
from djsb.config.problems import describe_errors, in_order, unknown_setting
from djsb.config.trackers import VARIABLE, requested_trackers, unknown_trackers
from djsb.planner.binding import Binder, check_names
from djsb.planner.guess import guess_config, resolve
from djsb.planner.needs import find_needs
from djsb.planner.planned import Plan, PlannedJob
from djsb.planner.settings import pending_settings, with_local
from djsb.runner.exports import in_subfolders, seed_folder
from djsb_core.discovery import (
    find_component,
    list_components,
    load_component,
    load_isolation,
)
from djsb_core.errors import ConfigError, DjsbError, PluginLoadError, RequestError
from djsb_core.interfaces.hook import Hook, Section
from djsb_core.interfaces.isolation import EnvironmentSettingsError
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import PathContext, paths_of
from djsb_core.job.request import split_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from djsb.config.experiment import Experiment, JobSpec
    from djsb_core.announced import ComponentInfo
    from djsb_core.interfaces.component import AnyComponent, ComponentConfig


def plan(experiment: Experiment) -> Plan:
    """Load and configure every job.

    :raises ConfigError: with all problems of the file and of every job, each with file and line
    """
    planned, problems = survey(experiment)
    if problems:
        raise ConfigError([*problems, *planned.notes])
    return planned


def survey(experiment: Experiment) -> tuple[Plan, list[str]]:
    """Load and configure every job; return also all problems, each with file and line.

    If there are any, the plan has only the jobs that could be loaded: it is there to be looked at.
    """
    planner = _Planner(experiment)
    jobs: list[PlannedJob | None] = [None] * (len(experiment.jobs) + len(experiment.unread))
    for spec in experiment.jobs:
        jobs[spec.position] = planner.plan_job(spec)
    binder = Binder(experiment, jobs)
    planner.problems += [*check_names(jobs), *binder.bind_inputs(), *binder.bind_updates()]
    targets = list(binder.bind_targets())
    planner.problems += [problem for problem in targets if isinstance(problem, str)]
    for job in jobs:
        if job is not None:
            planner.check_settings(job, jobs)
    planner.check_seeds()
    planner.check_trackers()
    notes = in_order(planner.notes)
    problems = in_order(planner.problems)
    planned = tuple(job for job in jobs if job is not None)
    found = Plan(
        experiment,
        planned,
        tuple(target for target in targets if not isinstance(target, str)),
        {} if problems else find_needs(experiment.pipelines, planned),
        tuple(notes),
        planner.context.expected,
    )
    return found, problems


IMPORTED_HERE = (
    "; to check its settings its module is imported here too, not only in its environment: "
    "libraries that are not here belong inside the methods that use them"
)

CHOSEN_BEFORE = {
    "type": "the component is chosen before the run; give its type in the file",
    **dict.fromkeys(
        ENVIRONMENT_KEYS, "the environment is chosen before the run; give it in the file"
    ),
}
"""Keys of ``extra_configs`` that no reference can set, with what to say."""

SEED_SETTING = f"{Section.EXTRA_CONFIGS.value}.seed"
SEEDED = {
    Kind.MODEL_TRAIN_EXECUTOR,
    Kind.MODEL_INFER_EXECUTOR,
    Kind.MODEL_EVALUATOR,
    Kind.DATA_EVALUATOR,
}
"""Kinds of component that a pipeline's ``seeds`` reach: what trains, runs and scores models."""


def takes_seed(job: PlannedJob) -> bool:
    """Tell whether a job's component has a ``seed`` that its pipeline's ``seeds`` decide."""
    slot = job.hook.uses
    if job.spec.seed is None or job.component is None or slot is None:
        return False
    given = {reference.target for reference in job.spec.inputs}
    return (
        Kind.of(slot.interface) in SEEDED
        and "seed" in job.component.config_type.model_fields
        and SEED_SETTING not in given
    )


def configure(
    model: type[ComponentConfig], values: Mapping[str, Any], context: PathContext
) -> ComponentConfig:
    """Build a component's config; paths are looked up in the folders of ``context``.

    :raises pydantic.ValidationError: with every problem
    """
    return model.model_validate(dict(values), context=context)


class _Planner:
    """Collects the problems of all jobs."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.problems = list(experiment.problems)
        self.notes: list[str] = []
        self.context = PathContext(experiment.folders)
        """Where paths are looked up; grows by those that the jobs write."""
        # Each look-up reads the metadata of every package: once is enough, for failures too.
        self.seeded: set[str] = set()
        """Pipelines in which a job takes the seed."""
        self.list_components = cache(list_components)
        self.load_isolation = cache(load_isolation)
        self.loaded: dict[
            tuple[Kind, str], RequestError | tuple[ComponentInfo, type[AnyComponent]]
        ] = {}

    def load(self, kind: Kind, name: str) -> tuple[ComponentInfo, type[AnyComponent]]:
        """Find and import one component.

        :raises RequestError: if there is none, or it cannot be used
        """
        found = self.loaded.get((kind, name))
        if found is None:
            try:
                found = find_component(kind, name), load_component(kind, name)
            except RequestError as error:
                found = error
            self.loaded[kind, name] = found
        if isinstance(found, RequestError):
            raise found.with_traceback(None)
        return found

    def plan_job(self, spec: JobSpec) -> PlannedJob | None:
        try:
            info, hook = self.load(Kind.HOOK, spec.hook)
        except RequestError as error:
            self.problems.append(spec.problem(("hook",), str(error)))
            return None
        try:
            settings = pending_settings(spec)
        except KeyError as missing:
            self._bad_override(spec, missing)
            return None
        job = PlannedJob(spec, cast("type[Hook[Any, Any]]", hook), info, None, None, settings)
        try:
            self._load_component(job)
            if takes_seed(job):
                job = self._with_seed(job)
        except RequestError as error:
            if spec.sections[Section.EXTRA_CONFIGS].failed:
                return None  # its file, which may give the type, could not be read
            elsewhere = not ENVIRONMENT_KEYS.isdisjoint(settings.extra_configs or {})
            broken = elsewhere and isinstance(error, PluginLoadError)
            text = f"{error}{IMPORTED_HERE}" if broken else str(error)
            self.problems.append(spec.problem((Section.EXTRA_CONFIGS.value, "type"), text))
            return None
        self._check_outputs(job)
        self._find_environment(job)
        return job

    def _find_environment(self, job: PlannedJob) -> None:
        """Find out which environment a job wants, if it wants one of its own."""
        extra = job.settings.extra_configs or {}
        keys = [key for key in extra if key in ENVIRONMENT_KEYS and extra[key] is not None]
        if not keys:
            return
        infos = [info for info in (job.hook_info, job.component_info) if info is not None]
        section = Section.EXTRA_CONFIGS.value
        try:
            job.environment = self.load_isolation().wanted(
                extra, infos, job.component, self.context, describe_errors
            )
        except EnvironmentSettingsError as error:
            for location, sentence in error.problems:
                self.problems.append(job.spec.problem((section, *location), sentence))
        except RequestError as error:
            self.problems.append(job.spec.problem((section, keys[0]), str(error)))

    def _with_seed(self, job: PlannedJob) -> PlannedJob:
        """Give a job the seed with which its pipeline is repeated."""
        self.seeded.add(job.spec.pipeline)
        spec = replace(job.spec, local={**job.spec.local, SEED_SETTING: job.spec.seed})
        return replace(job, spec=spec, settings=pending_settings(spec))

    def check_seeds(self) -> None:
        """Find pipelines that would be the same with every seed."""
        wanted = {spec.pipeline: spec for spec in self.experiment.jobs if spec.seed is not None}
        for pipeline, spec in wanted.items():
            if pipeline not in self.seeded:
                name = split_seed(pipeline)[0]
                place = spec.document.place(spec.location)
                text = f"{name}: no training, inference or evaluation takes a seed; remove seeds"
                self.problems.append(f"{place}: {text}")

    def check_trackers(self) -> None:
        """Find trackers that no package offers."""
        named = self.experiment.schema.trackers
        unknown = unknown_trackers(requested_trackers(named))
        for i, name in enumerate(named or ()):
            if name in unknown:
                self.problems.append(self.experiment.problem(("trackers", i), unknown[name]))
        if named is None:
            self.problems += [f"{VARIABLE}: {text}" for text in unknown.values()]

    def _bad_override(self, spec: JobSpec, missing: KeyError) -> None:
        text = f"an override names '{missing.args[0]}', which is not there"
        self.problems.append(spec.problem(("local",), text))

    def _load_component(self, job: PlannedJob) -> None:
        slot = job.hook.uses
        if slot is None:
            return
        kind = Kind.of(slot.interface)
        name = (job.settings.extra_configs or {}).get("type", slot.default)
        if name is None:
            known = ", ".join(info.name for info in self.list_components(kind.group))
            raise RequestError(f"missing; choose a {kind.label}: {known or 'none is installed'}")
        job.component_info, job.component = self.load(kind, str(name))

    def _check_outputs(self, job: PlannedJob) -> None:
        names, given = job.returned_names, job.spec.output
        if given is not None and len(given) != len(names):
            self.problems.append(
                job.spec.problem(
                    ("output",),
                    f"{len(given)} names for {len(names)} values; it returns {', '.join(names)}",
                )
            )

    def check_settings(self, job: PlannedJob, jobs: list[PlannedJob | None]) -> None:
        """Validate a job's settings as far as they are known before the run."""
        self._fill_recipe(job, jobs)
        self._check_recipe(job)
        sections = (job.settings.dj_configs, job.settings.extra_configs)
        values, hook_values = split_settings(job.hook, *sections)
        slot = job.hook.uses
        component_section = slot.section if slot else Section.EXTRA_CONFIGS
        if job.component is not None:
            self._check_component(job, job.component, component_section, values)
        if slot is None or slot.section is Section.DJ_CONFIGS:
            self._check_component(job, job.hook, Section.EXTRA_CONFIGS, hook_values)

    def _fill_recipe(self, job: PlannedJob, jobs: list[PlannedJob | None]) -> None:
        """Check a recipe that a refinement will write as if nothing was refined."""
        for reference, source in job.sources.items():
            maker = jobs[source.job]
            whole = not reference.key and reference.section is Section.DJ_CONFIGS
            if whole and maker is not None and maker.hook.returns_recipe:
                sections = {section: maker.settings.section(section) for section in Section}
                try:
                    job.settings.dj_configs = with_local(job.spec, sections).dj_configs
                except KeyError as missing:
                    self._bad_override(job.spec, missing)
                    continue
                job.settings.pending.discard((Section.DJ_CONFIGS.value,))

    def _check_recipe(self, job: PlannedJob) -> None:
        section = Section.DJ_CONFIGS.value
        if job.hook.takes_recipe:
            waiting = job.settings.is_pending((section,))
            failed = job.spec.sections[Section.DJ_CONFIGS].failed
            if not job.settings.dj_configs and not waiting and not failed:
                text = "missing; the hook needs a recipe: a mapping, or the path of one"
                self.problems.append(job.spec.problem((section,), text))
        elif job.settings.dj_configs:
            text = f"{job.spec.hook} takes no recipe; remove it"
            self.problems.append(job.spec.problem((section,), text))

    def _check_component(
        self,
        job: PlannedJob,
        component: type[AnyComponent],
        section: Section,
        values: dict[str, Any],
    ) -> None:
        if job.settings.section(section) is None and section is Section.DJ_CONFIGS:
            return  # said by _check_recipe, or only an earlier job gives it
        self._check_targets(job, component.config_type, section)
        config = self._configure(job, component.config_type, section, values)
        if config is None:
            guess = guess_config(component.config_type, values)
            reads = (self._look_up(path) for path in paths_of(guess, writes=False))
            self._note_paths(job, reads, paths_of(guess, writes=True))
            return
        try:
            made = component(config)
            self._note_paths(job, made.reads(), made.writes())
            # What it needs is asked for in the environment where it runs.
            elsewhere = job.environment is not None
            missing = () if job.settings.pending or elsewhere else made.check()
            self.notes += [job.spec.problem((section.value,), note) for note in made.warnings()]
        except DjsbError as error:
            missing = (str(error),)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a plugin's own fault breaks only its jobs)
            missing = (f"{component.__name__} cannot be checked: {type(error).__name__}: {error}",)
        for sentence in missing:
            self.problems.append(job.spec.problem((section.value,), sentence))

    def _configure(
        self,
        job: PlannedJob,
        model: type[ComponentConfig],
        section: Section,
        values: dict[str, Any],
    ) -> ComponentConfig | None:
        try:
            return configure(model, values, self.context)
        except ValidationError as error:
            for location, sentence in describe_errors(error, model, values):
                full = (section.value, *location)
                if not job.settings.is_pending(full):
                    self.problems.append(job.spec.problem(full, sentence))
            return None

    def _check_targets(
        self, job: PlannedJob, model: type[ComponentConfig], section: Section
    ) -> None:
        """Find the settings that a reference sets and the component does not have."""
        for reference in (*job.sources, *job.carried):
            if reference.section is not section:
                continue
            wrong = unknown_setting(model, reference.key)
            if section is Section.EXTRA_CONFIGS and reference.key:
                wrong = CHOSEN_BEFORE.get(reference.key[0], wrong)
            if wrong is None:
                continue
            if reference in job.sources:
                self.problems.append(job.spec.problem(("input", reference.target), wrong))
            else:
                location = ("iter_updater", reference.source)
                self.problems.append(self.experiment.problem(location, wrong))

    def _look_up(self, path: Path) -> Path:
        """Find a path that is read, as the validation of its config would."""
        here = Path.cwd()
        name = path.relative_to(here) if path.is_relative_to(here) else path
        return self.context.find(name) or path

    def _note_paths(self, job: PlannedJob, reads: Iterable[Path], writes: Iterable[Path]) -> None:
        """Note what a job reads and writes; later jobs may read what it writes."""
        job.reads += tuple(found for found in map(resolve, reads) if found is not None)
        written = tuple(found for found in map(resolve, writes) if found is not None)
        if written:
            folders = seed_folder(job.spec.seed)
            job.writes += tuple(
                in_subfolders(path, folders, folder=not path.suffix) for path in written
            )
            expected = self.context.expected.union(written, job.writes)
            self.context = replace(self.context, expected=expected)
