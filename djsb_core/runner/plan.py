"""Load and configure every job of an experiment before the first one runs."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from djsb_core.config.problems import describe_errors
from djsb_core.discovery import find_offer, list_offers, load_component
from djsb_core.errors import ConfigError, DjsbError, RequestError
from djsb_core.interfaces.hook import Hook, Section
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import PathContext, paths_of
from djsb_core.runner.binding import bind_references, check_names
from djsb_core.runner.planned import Plan, PlannedJob
from djsb_core.runner.settings import pending_settings, with_local

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from djsb_core.config.experiment import Experiment, JobSpec
    from djsb_core.interfaces.component import AnyComponent, ComponentConfig


def plan(experiment: Experiment) -> Plan:
    """Load and configure every job.

    :raises ConfigError: with all problems of the file and of every job, each with file and line
    """
    planner = _Planner(experiment)
    jobs = [planner.plan_job(spec) for spec in experiment.jobs]
    planner.problems += check_names(jobs)
    planner.problems += bind_references(jobs)
    for job in jobs:
        if job is not None:
            planner.check_settings(job, jobs)
    if planner.problems:
        raise ConfigError(_in_order(planner.problems))
    return Plan(experiment, tuple(cast("list[PlannedJob]", jobs)))


PROBLEM = re.compile(r"(.+?):(\d+): (?:\S*?(\w*): )?(.*)", re.DOTALL)
"""File, line, the key at the end of the location, and the sentence."""


def _in_order(problems: Iterable[str]) -> list[str]:
    """Order problems as their places stand in the files; say one in a shared recipe once."""
    once: dict[tuple[str | Any, ...], str] = {}
    for problem in problems:
        found = PROBLEM.match(problem)
        once.setdefault(found.groups() if found else (problem,), problem)
    return sorted(once.values(), key=_place)


def _place(problem: str) -> tuple[str, int]:
    found = PROBLEM.match(problem)
    return (found[1], int(found[2])) if found else ("", 0)


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
        self.expected: set[Path] = set()
        self.find_offer = cache(find_offer)  # each look-up reads the metadata of every package

    def plan_job(self, spec: JobSpec) -> PlannedJob | None:
        try:
            offer = self.find_offer(Kind.HOOK, spec.hook)
            hook = cast("type[Hook[Any, Any]]", load_component(Kind.HOOK, spec.hook))
        except RequestError as error:
            self.problems.append(spec.problem(("hook",), str(error)))
            return None
        try:
            settings = pending_settings(spec)
        except KeyError as missing:
            self._bad_override(spec, missing)
            return None
        job = PlannedJob(spec, hook, offer, None, None, settings)
        try:
            self._load_component(job)
        except RequestError as error:
            if spec.sections[Section.EXTRA_CONFIGS].failed:
                return None  # its file, which may give the type, could not be read
            self.problems.append(spec.problem((Section.EXTRA_CONFIGS.value, "type"), str(error)))
            return None
        self._check_outputs(job)
        return job

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
            known = (
                ", ".join(offer.name for offer in list_offers(kind.group)) or "none is installed"
            )
            raise RequestError(f"missing; choose a {kind.label}: {known}")
        job.component_offer = self.find_offer(kind, name if isinstance(name, str) else str(name))
        job.component = load_component(kind, job.component_offer.name)

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
        values, hook_values = job.split(job.settings)
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
        config = self._configure(job, component.config_type, section, values)
        if config is None:
            guess = component.config_type.model_construct(**values)
            self.expected |= {path.resolve() for path in paths_of(guess, writes=True)}
            return
        try:
            made = component(config)
            self.expected |= {path.resolve() for path in made.writes()}
            missing = () if job.settings.pending else made.check()
        except DjsbError as error:
            missing = (str(error),)
        except Exception as error:  # noqa: BLE001 (a plugin's own fault breaks only its jobs)
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
        context = PathContext(self.experiment.folders, frozenset(self.expected))
        try:
            return configure(model, values, context)
        except ValidationError as error:
            for location, sentence in describe_errors(error, model, values):
                full = (section.value, *location)
                if not job.settings.is_pending(full):
                    self.problems.append(job.spec.problem(full, sentence))
            return None
