"""Check before the first job whether the run would fail because something is missing."""

from __future__ import annotations

import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from djsb.cache.cache import cache_root
from djsb.config.trackers import trackers_of_run
from djsb.doctor.folders import check_folders
from djsb.doctor.plugin_checks import check_plugins, well_formed
from djsb.placement.choice import create_placement
from djsb.placement.resources import broker_of
from djsb.planner.settings import pending_settings
from djsb_core.discovery import find_component, load_component, load_isolation
from djsb_core.errors import DjsbError, RequestError
from djsb_core.foreign import PluginFault, contained
from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.interfaces.component import Component, Workspace
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import PathContext
from djsb_core.interfaces.resources import Resources
from djsb_core.job.perform import build
from djsb_core.published import CORE, LAB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from djsb.config.experiment import JobSpec
    from djsb.planner.planned import Plan, PlannedJob
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.hook import Hook
    from djsb_core.interfaces.isolation import Environments, WantedEnvironment
    from djsb_core.interfaces.placement import Placement
    from djsb_core.problems import Problem


def preflight(plan: Plan, placement: Placement[Any] | None = None) -> list[DoctorCheck]:
    """Check, in a few hundredths of a second, what keeps a plan from running.

    Folders and disks, the resources of its jobs, the packages in use and their own checks, and
    what the components need. Needs that the plan's warnings state are left out.

    :param placement: where its jobs will run; by default on this machine
    """
    checks = [
        *check_places(plan.experiment.work_dir),
        *check_resources(plan, placement or create_placement()),
        *environment_checks(plan, look_inside=False),
    ]
    trackers = trackers_of_run(plan.experiment.schema.trackers)
    # The session that runs the plan warns of broken listeners.
    plugin_checks = check_plugins(packages_in_use(plan), trackers=trackers, listeners=False)
    for package_checks in plugin_checks.values():
        checks += package_checks
    new = (need for need in component_needs(plan) if not _is_reported(plan.warnings, need))
    return list(dict.fromkeys([*checks, *new]))


def require(plan: Plan, placement: Placement[Any], remedy: str) -> list[str]:
    """Return warnings to show before the first job.

    :param placement: where its jobs will run
    :param remedy: the option that skips this check
    :raises RequestError: with all problems that would make the run fail
    """
    problems, notes = problems_of(preflight(plan, placement))
    if problems:
        count = len(problems)
        text = problems[0] if count == 1 else "\n  ".join([f"{count} problems", *problems])
        raise RequestError(f"{text}\nTo run anyway: {remedy}")
    return notes


def examine_plan(
    plan: Plan, problems: Sequence[Problem] = ()
) -> tuple[list[DoctorCheck], list[Problem]]:
    """Return what a plan needs in addition to packages, and the warnings that this does not cover.

    :param problems: of the plan; a need that one of them states is left out
    """
    needs = [need for need in component_needs(plan) if not _is_reported(problems, need)]
    warnings = [
        warning
        for warning in plan.warnings
        if not any(_is_reported([warning], need) for need in needs)
    ]
    environments = environment_checks(plan, look_inside=True)
    return list(
        dict.fromkeys(
            [
                *check_places(plan.experiment.work_dir),
                *check_resources(plan, create_placement()),
                *environments,
                *needs,
            ]
        )
    ), warnings


def problems_of(checks: Sequence[DoctorCheck]) -> tuple[list[str], list[str]]:
    """Return as sentences what would end a run, and the warnings."""
    problems = [check.sentence for check in checks if not check.ok and check.required]
    warnings = [check.sentence for check in checks if not check.ok and not check.required]
    return problems, warnings


def check_places(work_dir: Path) -> list[DoctorCheck]:
    """Check the folders that a run writes to, and their disk space."""
    temporary = Path(tempfile.gettempdir())
    return check_folders(
        {"work_dir": work_dir, "cache": cache_root(work_dir), "temporary files": temporary}
    )


def check_resources(plan: Plan, placement: Placement[Any]) -> list[DoctorCheck]:
    """Report jobs that ask for more than the placement has: they could never start."""
    broker, checks = broker_of(placement), []
    for job in plan.jobs:
        spec, keys = job.spec, job.spec.resources.model_fields_set
        claim = spec.resources.over(broker.limit(job.default_resources)) if keys else Resources(0)
        for key, text in broker.problems(claim).items():
            place = spec.source.place((*spec.location, "resources", key))
            subject = f"{place}: resources.{key} of '{spec.meta_name}'"
            checks.append(DoctorCheck(subject, ok=False, finding=text, kind=CheckKind.CONFIG))
    return checks


def packages_in_use(plan: Plan) -> list[str]:
    """List the packages whose code a plan runs in this environment, djsb's own first.

    Includes those of jobs that could not be loaded: what they lack may be the cause.
    """
    infos = dict.fromkeys((LAB, CORE))
    for job in plan.jobs:
        infos[job.hook_info.package] = None
        if job.component_info is not None and job.environment is None:
            infos[job.component_info.package] = None
    planned = {job.spec.position for job in plan.jobs}
    for spec in plan.experiment.jobs:
        if spec.position not in planned:
            infos |= dict.fromkeys(_requested_packages(spec))
    return list(infos)


def component_needs(plan: Plan) -> list[DoctorCheck]:
    """List the distinct needs of a plan's components in this environment."""
    needs: dict[DoctorCheck, None] = {}
    for job in plan.jobs:
        if job.environment is None:
            for component in _components(job, plan):
                needs |= dict.fromkeys(_needs_of(component))
    return list(needs)


def environment_checks(plan: Plan, *, look_inside: bool) -> list[DoctorCheck]:
    """Check whether each isolated environment of a plan exists or can be created.

    :param look_inside: whether to test that djsb runs in the user's own ones, which takes a moment
    """
    environments = dict.fromkeys(job.environment for job in plan.jobs if job.environment)
    if not environments:
        return []
    checks: dict[DoctorCheck, None] = {}
    with closing(load_isolation().environments()) as registry:
        for environment in environments:
            if look_inside or environment.existing is None:
                checks |= dict.fromkeys(_check_environment(environment, registry))
    return list(checks)


def _check_environment(wanted: WantedEnvironment, registry: Environments) -> list[DoctorCheck]:
    kind = CheckKind.ENVIRONMENT
    try:
        existing = registry.find(wanted)
    except RequestError as error:
        return [DoctorCheck(wanted.label, ok=False, finding=str(error), kind=kind)]
    if existing is not None:
        finding = f"exists: {existing.python}"
        return [
            DoctorCheck(wanted.label, ok=True, finding=finding, kind=kind, path=existing.python)
        ]
    finding = f"will be created with {wanted.manager} before the first job"
    check = DoctorCheck(wanted.label, ok=True, finding=finding, kind=kind)
    return [check, *wanted.environment.needs()]


def _requested_packages(spec: JobSpec) -> Iterator[str]:
    """Yield the packages that provide a job's hook and component, if any."""
    with suppress(RequestError, KeyError):
        yield find_component(Kind.HOOK, spec.hook).package
        slot = cast("type[Hook[Any, Any]]", load_component(Kind.HOOK, spec.hook)).uses
        if slot is not None:
            name = (pending_settings(spec).extra_configs or {}).get("type", slot.default)
            yield find_component(Kind.of(slot.interface), name).package


def _components(job: PlannedJob, plan: Plan) -> Iterator[AnyComponent]:
    """Build a job's hook and component, as the job will, if all of its settings are known."""
    kinds = filter(None, (job.hook, job.component))
    if job.settings.pending or all(kind.needs is Component.needs for kind in kinds):
        return  # its needs are not known yet, or none
    sections = job.settings.sections()
    context = PathContext(plan.experiment.folders, expected=plan.expected)
    try:
        with contained(f"job '{job.spec.meta_name}'"):
            hook, component = build(job.hook, job.component, sections, Workspace(), context)
    except (PluginFault, DjsbError):  # a file was removed after planning
        return
    yield hook
    if component is not None:
        yield component


def _needs_of(component: AnyComponent) -> Sequence[DoctorCheck]:
    name = type(component).__name__
    try:
        with contained(name):
            return well_formed(component.needs())
    except (PluginFault, DjsbError) as fault:
        text = f"its needs cannot be listed: {fault}"
        return [DoctorCheck(name, ok=False, finding=text, required=False)]


def _is_reported(problems: Iterable[Problem], need: DoctorCheck) -> bool:
    if need.ok:
        return False
    at, tail = need.location, "; ".join(filter(None, (need.finding, need.remedy)))
    return any(
        problem.sentence == need.sentence
        or (at and problem.location[-len(at) :] == at and problem.sentence == tail)
        for problem in problems
    )
