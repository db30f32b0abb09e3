"""The third pass: check the settings of every job as far as they are known before the run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from djsb.config.problems import describe_errors, unknown_setting
from djsb.planner.guess import guess_config
from djsb.planner.load import bad_override
from djsb.planner.named import in_subfolders, seed_folder
from djsb.planner.planned import PlannedJob
from djsb.planner.settings import with_recipe_of
from djsb_core.errors import DjsbError
from djsb_core.interfaces.component import Component
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.paths import paths_of
from djsb_core.job.perform import split_settings
from djsb_core.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from djsb.config.experiment import Experiment
    from djsb.planner.binding import BoundJob
    from djsb.planner.paths import PlannedPaths
    from djsb.planner.settings import JobSettings
    from djsb_core.hookspecs import DoctorCheck
    from djsb_core.interfaces.component import AnyComponent, ComponentConfig
    from djsb_core.problems import Problem

CHOSEN_BEFORE = {
    "type": ("the component is chosen before the run", "give its type in the file"),
    **dict.fromkeys(
        ENVIRONMENT_KEYS, ("the environment is chosen before the run", "give it in the file")
    ),
}
"""Keys of ``extra_configs`` that no reference can set, with what to say."""


@dataclass
class _Paths:
    """What one job reads and writes, as far as it is known."""

    reads: list[Path] = field(default_factory=list)
    writes: list[Path] = field(default_factory=list)


class Checker:
    """Checks the jobs of one experiment in their order and collects their problems."""

    def __init__(self, experiment: Experiment, paths: PlannedPaths) -> None:
        """Check nothing yet.

        :param paths: where paths are looked up; grows by those that the jobs write
        """
        self.experiment = experiment
        self.paths = paths
        self.problems: list[Problem] = []
        self._checked: dict[int, PlannedJob] = {}

    def check(self, job: BoundJob) -> PlannedJob:
        """Check one job; those before it are checked."""
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

    def _with_recipe(self, job: BoundJob) -> JobSettings:
        """Check a recipe that a refinement will write as if nothing was refined."""
        settings = job.settings
        for reference, source in job.sources.items():
            maker = self._checked.get(source.job)
            whole = not reference.key and reference.section is Section.DJ_CONFIGS
            if whole and maker is not None and maker.hook.returns_recipe:
                try:
                    settings = with_recipe_of(maker.settings, job.spec, settings)
                except KeyError as missing:
                    self.problems.append(bad_override(job.spec, missing))
        return settings

    def _check_recipe(self, job: BoundJob, settings: JobSettings) -> None:
        section = Section.DJ_CONFIGS.value
        if job.hook.takes_recipe:
            waiting = settings.is_pending((section,))
            failed = job.spec.sections[Section.DJ_CONFIGS].failed
            if not settings.dj_configs and not waiting and not failed:
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
            return  # said by _check_recipe, or only an earlier job gives it
        self._check_targets(job, component.config_type, section)
        config = self._configure(job, component.config_type, section, values)
        if config is None:
            guess = guess_config(component.config_type, values)
            reads = map(self.paths.look_up, paths_of(guess, writes=False))
            self._add_paths(job, paths, reads, paths_of(guess, writes=True))
            return
        try:
            made = component(config)
            self._add_paths(job, paths, made.reads(), made.writes())
            # What it needs is asked for in the environment where it runs.
            ask = not job.settings.pending and job.environment is None
            found = list(_remarks(made, ask=ask))
        except DjsbError as error:
            found = [(Severity.ERROR, str(error), "")]
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a plugin's own fault breaks only its jobs)
            text = f"{component.__name__} cannot be checked: {type(error).__name__}: {error}"
            found = [(Severity.ERROR, text, "")]
        for severity, text, remedy in found:
            self.problems.append(job.spec.problem((section.value,), text, remedy, severity))

    def _configure(
        self,
        job: BoundJob,
        model: type[ComponentConfig],
        section: Section,
        values: dict[str, Any],
    ) -> ComponentConfig | None:
        try:
            return model.model_validate(values, context=self.paths)
        except ValidationError as error:
            for problem in describe_errors(error, model, values):
                location = (section.value, *problem.location)
                if not job.settings.is_pending(location):
                    located = job.spec.problem(location, problem.text, problem.remedy)
                    self.problems.append(located)
            return None

    def _check_targets(self, job: BoundJob, model: type[ComponentConfig], section: Section) -> None:
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
                self.problems.append(job.spec.problem(("input", reference.target), *wrong))
            else:
                location = ("iter_updater", reference.source)
                self.problems.append(self.experiment.problem(location, *wrong))

    def _add_paths(
        self, job: BoundJob, paths: _Paths, reads: Iterable[Path], writes: Iterable[Path]
    ) -> None:
        """Add what a job reads and writes; later jobs may read what it writes."""
        paths.reads += self.paths.resolved(reads)
        written = self.paths.resolved(writes)
        folders = seed_folder(job.spec.seed)
        paths.writes += [in_subfolders(path, folders, folder=not path.suffix) for path in written]
        self.paths.expect((*written, *paths.writes))


def _remarks(component: AnyComponent, *, ask: bool) -> Iterator[tuple[Severity, str, str]]:
    """Ask a component what it lacks, and what its user should know: sentence and remedy.

    :param ask: whether to ask what would keep it from running
    """
    kind = type(component)
    plain_check, plain_warnings = kind.check is Component.check, kind.warnings is Component.warnings
    needs = component.needs() if plain_check or plain_warnings else ()
    if ask and plain_check:
        yield from (_remark(need) for need in needs if not need.ok and need.required)
    elif ask:
        yield from ((Severity.ERROR, sentence, "") for sentence in component.check())
    if plain_warnings:
        yield from (_remark(need) for need in needs if not need.ok and not need.required)
    else:
        yield from ((Severity.WARNING, sentence, "") for sentence in component.warnings())


def _remark(need: DoctorCheck) -> tuple[Severity, str, str]:
    severity = Severity.ERROR if need.required else Severity.WARNING
    if not need.finding:
        return severity, need.sentence, ""
    return severity, f"{need.subject}: {need.finding}", need.remedy
