"""What ``djsb doctor`` shows of this plugin, in addition to its dependencies."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from djsb_core.api import CheckKind, ComponentError, DoctorCheck, check_packages
from djsb_datajuicer.sources import package_folder, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

LOADER_FILE = "utils/lazy_loader.py"
INSTALLER = "_install_package"
"""The method of Data-Juicer's ``LazyLoader`` that :mod:`djsb_datajuicer.session` replaces."""

#: What packages are needed for, where that is not plain.
REASONS = {
    "py-data-juicer": "it runs the recipes",
    "datasets": "it holds the rows; later versions write statistics differently",
    "aiohttp": "py-data-juicer imports it without declaring it",
    "ray": "py-data-juicer imports it without declaring it",
    "torch": "py-data-juicer uses it after every operator without declaring it",
}


def list_checks() -> Iterable[DoctorCheck]:
    """Say what the packages are for, and whether Data-Juicer can be kept from installing any."""
    return [*check_packages("djsb-datajuicer", REASONS), *check_installs()]


def check_installs() -> list[DoctorCheck]:
    """Check that Data-Juicer still has the one place where it installs packages at run time."""
    try:
        tree = parse(package_folder() / LOADER_FILE)
    except (ComponentError, OSError):
        return []  # not installed: said by its package's check
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    ok = INSTALLER in names
    return [
        DoctorCheck(
            "installs at run time",
            ok=ok,
            finding="switched off in Data-Juicer while djsb uses it"
            if ok
            else "this Data-Juicer installs missing packages in a way that djsb does not know",
            remedy="" if ok else "pip install 'py-data-juicer<1.7'",
            kind=CheckKind.OTHER,
            required=False,
        )
    ]
