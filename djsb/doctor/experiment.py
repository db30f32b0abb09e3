"""What experiments need: what is wrong with their files, and what their jobs use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.doctor.check_group import CheckGroup, merge_groups
from djsb.doctor.installation import examine_packages, find_plugin
from djsb_core.hookspecs import CheckKind, DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLACE = re.compile(r"(.+?:\d+): (.*)", re.DOTALL)


@dataclass(frozen=True)
class Examined:
    """What is known of one experiment, its packages left out."""

    title: str
    """Its file."""
    checks: Sequence[DoctorCheck]
    """What is wrong with the file, and what is needed where it runs."""
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
    absent = {f": {one.sentence}" for group in packages for one in group.checks if not one.ok}
    own = [
        CheckGroup(one.title, [check for check in one.checks if not _states(check, absent)])
        for one in experiments
    ]
    return merge_groups([*own, *packages])


def as_checks(sentences: Iterable[str], *, required: bool) -> list[DoctorCheck]:
    """Turn a plan's problems or notes, each with file and line, into failed checks."""
    checks = []
    for sentence in sentences:
        found = PLACE.fullmatch(sentence)
        subject, finding = found.groups() if found else ("experiment", sentence)
        kind = CheckKind.CONFIG
        checks.append(DoctorCheck(subject, ok=False, finding=finding, kind=kind, required=required))
    return checks


def _states(check: DoctorCheck, endings: Iterable[str]) -> bool:
    """Tell whether a problem of the file says what the check of a package says."""
    return check.kind is CheckKind.CONFIG and check.finding.endswith(tuple(endings))
