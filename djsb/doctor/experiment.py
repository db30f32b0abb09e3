"""What experiments need: what is wrong with their files, and what their jobs use."""

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
    """What is known of one experiment, its packages left out."""

    title: str
    """Its file."""
    errors: Sequence[Problem] = ()
    """What is wrong with the file."""
    checks: Sequence[DoctorCheck] = ()
    """What is needed where it runs."""
    warnings: Sequence[Problem] = ()
    """What its user should know."""
    packages: Sequence[str] = ()
    trackers: Sequence[str] = ()


def examine_experiments(
    experiments: Sequence[Examined], plugins: Sequence[str] = ()
) -> list[CheckGroup]:
    """Put what was found of experiments before the checks of the packages that they use.

    :param plugins: further packages to check, with their extras
    :raises RequestError: if one of them is not installed
    """
    asked = [find_plugin(name) for name in plugins]
    names = [*(name for one in experiments for name in one.packages), *asked]
    trackers = [name for one in experiments for name in one.trackers]
    packages = examine_packages(list(dict.fromkeys(names)), trackers, with_extras=asked)
    absent = {one.sentence for group in packages for one in group.checks if not one.ok}
    own = [CheckGroup(one.title, _checks_of(one, absent)) for one in experiments]
    return merge_groups([*own, *packages])


def _checks_of(examined: Examined, absent: Container[str]) -> list[DoctorCheck]:
    """List the checks of an experiment, without what the checks of a package say.

    :param absent: what these find missing, in sentences
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
