"""What ``djsb doctor`` shows of this plugin."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from djsb_core.api import DoctorCheck, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Each package that a recipe needs, the versions that work, and why it is needed.
NEEDED = {
    "py-data-juicer": (">=1.6.1,<1.7", "runs the recipes"),
    "datasets": (">=4.7.0,<=4.8.4", "holds the rows; later versions write statistics differently"),
    "aiohttp": (">=3.9", "py-data-juicer imports it without declaring it"),
    "ray": (">=2.40", "py-data-juicer imports it without declaring it"),
    "torch": (">=2.2", "py-data-juicer uses it after every operator without declaring it"),
}


@hookimpl
def djsb_doctor_checks() -> Iterable[DoctorCheck]:
    """Check the packages that recipes need."""
    return [_check(package, *about) for package, about in NEEDED.items()]


def _check(package: str, wanted: str, reason: str) -> DoctorCheck:
    remedy = f"pip install '{package}{wanted}'"
    try:
        found = version(package)
    except PackageNotFoundError:
        return DoctorCheck(package, ok=False, finding=f"not installed; {reason}", remedy=remedy)
    if SpecifierSet(wanted).contains(found, prereleases=True):
        return DoctorCheck(package, ok=True, finding=found)
    return DoctorCheck(
        package, ok=False, finding=f"{found}, wanted {wanted}; {reason}", remedy=remedy
    )
