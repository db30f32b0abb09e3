"""Checks under one title, each shown once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb_core.hookspecs import CheckKind, DoctorCheck

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class CheckGroup:
    """What was checked for one package, one experiment, or the machine."""

    title: str
    checks: Sequence[DoctorCheck]


def merge_groups(groups: Sequence[CheckGroup]) -> list[CheckGroup]:
    """Merge groups with the same title, and keep each check once."""
    checks: dict[str, list[DoctorCheck]] = {}
    for group in groups:
        checks.setdefault(group.title, []).extend(group.checks)
    return [
        CheckGroup(title, group_checks)
        for title, group_checks in unique_checks(checks).items()
        if group_checks
    ]


def unique_checks(checks: Mapping[str, Iterable[DoctorCheck]]) -> dict[str, list[DoctorCheck]]:
    """Keep one check per subject and finding.

    Of several checks of one package, only the first failed one (or else the first) is kept.
    """
    best: dict[tuple[str, ...], DoctorCheck] = {}
    for group in checks.values():
        for check in group:
            key = _key(check)
            if key not in best or (best[key].ok and not check.ok):
                best[key] = check
    unique: dict[str, list[DoctorCheck]] = {title: [] for title in checks}
    for title, group in checks.items():
        for check in group:
            if best.get(_key(check)) is check:
                unique[title].append(check)
                del best[_key(check)]  # the same one may stand in two places
    return unique


def _key(check: DoctorCheck) -> tuple[str, ...]:
    package = check.kind is CheckKind.PACKAGE
    return (check.kind, check.subject, "" if package else check.finding)
