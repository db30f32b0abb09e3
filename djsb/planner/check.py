"""The third pass: check every job's settings as far as they are known before the run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import ValidationError

from djsb.config.problems import unknown_setting
from djsb.planner.guess import guess_config
from djsb.planner.load import bad_override
from djsb.planner.named import in_subfolders, seed_folder
from djsb.planner.partial import certain_errors, errors_without_hook, expect_results
from djsb.planner.planned import PlannedJob
from djsb.planner.settings import with_recipe_of, without_bad_overrides
from djsb_core.errors import DjsbError
from djsb_core.foreign import PluginFault, contained
from djsb_core.interfaces.component import Component
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.paths import paths_of
from djsb_core.job.perform import split_settings
from djsb_core.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from djsb.config.experiment import Experiment, JobSpec
    from djsb.planner.binding import BoundJob
    from djsb.planner.paths import PlannedPaths
    from djsb.planner.settings import JobSettings
    from djsb_core.hookspecs import DoctorCheck
    from djsb_core.interfaces.component import AnyComponent, ComponentConfig
    from djsb_core.problems import Location, Problem

_Remark: TypeAlias = "tuple[Severity, str, str, Location]"
"""Severity, text, remedy, and the location inside the component's settings."""

CHOSEN_BEFORE = {
    "type": ("the component is chosen before the run", "set its type in the file"),
    **dict.fromkeys(
        ENVIRONMENT_KEYS, ("the environment is chosen before the run", "set it in the file")
    ),
}
"""Keys of ``extra_configs`` that no reference can set, with problem and remedy."""


@dataclass
class _Paths:
    """What one job reads and writes, as far as it is known."""

    reads: list[Path] = field(default_factory=list)
    writes: list[Path] = field(default_factory=list)


class Checker:
    """Checks the jobs of one experiment in order and collects their problems."""

    def __init__(self, experiment: Experiment, paths: PlannedPaths) -> None:
        """Check nothing yet.

        :param paths: where paths are looked up; the jobs' output paths are added
        """
        self.experiment = experiment
        self.paths = paths
        self.problems: list[Problem] = []
        self._checked: dict[int, PlannedJob] = {}

    def check_all(
        self, jobs: Sequence[BoundJob | None], components: Mapping[int, type[AnyComponent]]
    ) -> list[PlannedJob]:
        """Check every job.

        :param jobs: by position; ``None`` for those whose hook is unknown
        :param components: those of jobs whose hook is unknown, as far as they are known
        :returns: the jobs that have all of their components
        """
        specs = {spec.position: spec for spec in self.experiment.jobs}
        planned = []
        for position, job in enumerate(jobs):
            if job is not None:
                checked = self.check(job)
                if job.lacks_component:
                    expect_results(job.spec, self.paths)
                else:
                    planned.append(checked)
            elif position in specs:
                self._check_without_hook(specs[position], components.get(position))
        return planned

    def check(self, job: BoundJob) -> PlannedJob:
        """Check one job; all earlier ones must be checked."""
        settings = self._with_recipe(job)
        self._check_recipe(job, settings)
        values, hook_values = split_settings(job.hook, *settings.sections())
        paths = _Paths()
        slot = job.hook.uses
        section = slot.section if slot else Section.EXTRA_CONFIGS
        job = replace(job, settings=settings)
        if job.component is not None:
            self._check_component(job, job.component, section, values, paths)
        if slot is None or slot.section is Section.DJ_CONFIGS:
            self._check_component(job, job.hook, Section.EXTRA_CONFIGS, hook_values, paths)
        reads, writes = tuple(paths.reads), tuple(paths.writes)
        planned = PlannedJob(**vars(job), reads=reads, writes=writes)
        self._checked[job.spec.position] = planned
        return planned

    def _check_without_hook(self, spec: JobSpec, component: type[AnyComponent] | None) -> None:
        spec, _ = without_bad_overrides(spec)
        if component is not None:
            self.problems += errors_without_hook(spec, component, self.paths)
        expect_results(spec, self.paths)

    def _with_recipe(self, job: BoundJob) -> JobSettings:
        """Substitute the unrefined recipe where a refinement will write one."""
        settings = job.settings
        for reference, source in job.sources.items():
            refiner = self._checked.get(source.job)
            is_recipe = not reference.key and reference.section is Section.DJ_CONFIGS
            if is_recipe and refiner is not None and refiner.hook.returns_recipe:
                try:
                    settings = with_recipe_of(refiner.settings, job.spec, settings)
                except KeyError as missing:
                    self.problems.append(bad_override(job.spec, missing))
        return settings

    def _check_recipe(self, job: BoundJob, settings: JobSettings) -> None:
        section = Section.DJ_CONFIGS.value
        if job.hook.takes_recipe:
            pending = settings.is_pending((section,))
            if not settings.dj_configs and not pending and not job.spec.incomplete:
                text = "missing; the hook needs a recipe: a mapping, or the path of one"
                self.problems.append(job.spec.problem((section,), text))
        elif settings.dj_configs:
            text = f"{job.spec.hook} takes no recipe"
            self.problems.append(job.spec.problem((section,), text, "remove it"))

    def _check_component(
        self,
        job: BoundJob,
        component: type[AnyComponent],
        section: Section,
        values: dict[str, Any],
        paths: _Paths,
    ) -> None:
        if job.settings.section(section) is None and section is Section.DJ_CONFIGS:
            return  # reported by _check_recipe, or set only by an earlier job
        self._check_targets(job, component.config_type, section)
        config = self._configure(job, component.config_type, section, values)
        if config is None:
            guess = guess_config(component.config_type, values)
            reads = map(self.paths.look_up, paths_of(guess, writes=False))
            self._add_paths(job, paths, reads, paths_of(guess, writes=True))
            return
        try:
            with contained(component.__name__):
                instance = component(config)
                self._add_paths(job, paths, instance.reads(), instance.writes())
                # Needs are checked in the environment where the component runs.
                check_needs = not job.settings.pending and job.environment is None
                remarks = list(_remarks(instance, check_needs=check_needs))
        except DjsbError as error:
            remarks = [(Severity.ERROR, str(error), "", ())]
        except PluginFault as fault:
            text = f"{component.__name__} cannot be checked: {fault}"
            remarks = [(Severity.ERROR, text, "", ())]
        for severity, text, remedy, inside in remarks:
            location = (section.value, *inside)
            self.problems.append(job.spec.problem(location, text, remedy, severity))

    def _configure(
        self,
        job: BoundJob,
        model: type[ComponentConfig],
        section: Section,
        values: dict[str, Any],
    ) -> ComponentConfig | None:
        try:
            with contained(model.__name__):
                return model.model_validate(values, context=self.paths)
        except PluginFault as fault:
            if isinstance(fault.__cause__, ValidationError):
                self.problems += certain_errors(
                    fault.__cause__, model, values, job.spec, settings=job.settings, section=section
                )
            else:
                text = f"{model.__name__} cannot be validated: {fault}"
                self.problems.append(job.spec.problem((section.value,), text))
            return None

    def _check_targets(self, job: BoundJob, model: type[ComponentConfig], section: Section) -> None:
        """Report references to settings that the component does not have."""
        for reference in (*job.sources, *job.carried):
            if reference.section is not section:
                continue
            problem = unknown_setting(model, reference.key)
            if section is Section.EXTRA_CONFIGS and reference.key:
                problem = CHOSEN_BEFORE.get(reference.key[0], problem)
            if problem is None:
                continue
            if reference in job.sources:
                self.problems.append(job.spec.problem(("input", reference.target), *problem))
            else:
                location = ("iter_updater", reference.source)
                self.problems.append(self.experiment.problem(location, *problem))

    def _add_paths(
        self, job: BoundJob, paths: _Paths, reads: Iterable[Path], writes: Iterable[Path]
    ) -> None:
        """Add the paths that a job reads and writes; later jobs may read what it writes."""
        paths.reads += self.paths.resolved(reads)
        written = self.paths.resolved(writes)
        folders = seed_folder(job.spec.seed)
        paths.writes += [in_subfolders(path, folders, folder=not path.suffix) for path in written]
        self.paths.expect((*written, *paths.writes))


def _remarks(component: AnyComponent, *, check_needs: bool) -> Iterator[_Remark]:
    """Yield what a component lacks and what its user should know.

    :param check_needs: whether to include what would keep it from running
    """
    kind = type(component)
    plain_check, plain_warnings = kind.check is Component.check, kind.warnings is Component.warnings
    needs = component.needs() if plain_check or plain_warnings else ()
    if check_needs and plain_check:
        yield from (_remark(need) for need in needs if not need.ok and need.required)
    elif check_needs:
        yield from ((Severity.ERROR, sentence, "", ()) for sentence in component.check())
    if plain_warnings:
        yield from (_remark(need) for need in needs if not need.ok and not need.required)
    else:
        yield from ((Severity.WARNING, sentence, "", ()) for sentence in component.warnings())


def _remark(need: DoctorCheck) -> _Remark:
    severity = Severity.ERROR if need.required else Severity.WARNING
    if not need.finding:
        return severity, need.sentence, "", need.location
    text = need.finding if need.location else f"{need.subject}: {need.finding}"
    return severity, text, need.remedy, need.location
