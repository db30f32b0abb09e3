"""Checks of experiments: problems in their files, and what their jobs need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.doctor.check_group import CheckGroup, merge_groups
from djsb.doctor.installation import examine_packages, find_plugin
from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.problems import Severity

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from djsb_core.problems import Problem


@dataclass(frozen=True)
class Examined:
    """The findings on one experiment, and the packages that it uses."""

    title: str
    """Its file."""
    errors: Sequence[Problem] = ()
    """Errors in the file."""
    checks: Sequence[DoctorCheck] = ()
    """Checks of the machine that it runs on."""
    warnings: Sequence[Problem] = ()
    """Warnings about the file."""
    packages: Sequence[str] = ()
    trackers: Sequence[str] = ()


def examine_experiments(
    experiments: Sequence[Examined], plugins: Sequence[str] = ()
) -> list[CheckGroup]:
    """Return the findings on experiments, then the checks of the packages that they use.

    :param plugins: further packages to check, with their extras
    :raises RequestError: if one of them is not installed
    """
    plugin_names = [find_plugin(name) for name in plugins]
    names = [*(name for experiment in experiments for name in experiment.packages), *plugin_names]
    trackers = [name for experiment in experiments for name in experiment.trackers]
    packages = examine_packages(list(dict.fromkeys(names)), trackers, with_extras=plugin_names)
    absent = {
        experiment.sentence
        for group in packages
        for experiment in group.checks
        if not experiment.ok
    }
    own = [
        CheckGroup(experiment.title, _checks_of(experiment, absent)) for experiment in experiments
    ]
    return merge_groups([*own, *packages])


def _checks_of(examined: Examined, absent: Container[str]) -> list[DoctorCheck]:
    """List the checks of an experiment, without those that the checks of a package repeat.

    :param absent: messages of the failed package checks
    """
    errors, warnings = (
        [_as_check(problem) for problem in problems if problem.sentence not in absent]
        for problems in (examined.errors, examined.warnings)
    )
    return [*errors, *examined.checks, *warnings]


def _as_check(problem: Problem) -> DoctorCheck:
    """Turn a problem of a file into a failed check."""
    subject = problem.place if problem.line else "experiment"
    place = "" if problem.line else problem.place
    return DoctorCheck(
        subject,
        ok=False,
        finding=": ".join(filter(None, (place, problem.key, problem.sentence))),
        kind=CheckKind.CONFIG,
        required=problem.severity is Severity.ERROR,
    )
