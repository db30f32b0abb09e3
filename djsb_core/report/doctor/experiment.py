"""What one experiment needs: what is wrong with its file, and what its jobs use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.report.doctor.groups import Group, examine_packages, merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLACE = re.compile(r"(.+?:\d+): (.*)", re.DOTALL)


def examine_experiment(
    title: str,
    checks: Sequence[DoctorCheck],
    packages: Sequence[str],
    trackers: Sequence[str],
) -> list[Group]:
    """Put what was found of an experiment before the checks of the packages that it uses.

    :param title: its file
    :param checks: what is wrong with the file, and what is needed where it runs
    """
    return merge([Group(title, checks), *examine_packages(packages, trackers)])


def as_checks(sentences: Iterable[str], *, required: bool) -> list[DoctorCheck]:
    """Turn a plan's problems or notes, each with file and line, into failed checks."""
    checks = []
    for sentence in sentences:
        found = PLACE.fullmatch(sentence)
        subject, finding = found.groups() if found else ("experiment", sentence)
        kind = CheckKind.CONFIG
        checks.append(DoctorCheck(subject, ok=False, finding=finding, kind=kind, required=required))
    return checks
