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

#: What packages are needed for, if that is not obvious.
REASONS = {
    "py-data-juicer": "it runs the recipes",
    "datasets": "it stores the rows; later versions write statistics differently",
    "aiohttp": "py-data-juicer imports it without declaring it",
    "ray": "py-data-juicer imports it without declaring it",
    "camel-kenlm": "operators measure perplexity with it",
    "fasttext-predict": "operators identify languages with it",
    "ftfy": "operators mend broken text with it",
    "selectolax": "operators clean HTML with it",
    "sentencepiece": "operators split text with it",
    "torch": "py-data-juicer uses it after every operator without declaring it",
}


def list_checks() -> Iterable[DoctorCheck]:
    """Check the packages, and that Data-Juicer can be prevented from installing others."""
    return [*check_packages("djsb-datajuicer", REASONS), *check_installs()]


def check_installs() -> list[DoctorCheck]:
    """Check that Data-Juicer still installs packages at run time in one known place only."""
    try:
        tree = parse(package_folder() / LOADER_FILE)
    except (ComponentError, OSError):
        return []  # not installed: reported by the check of its package
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    ok = INSTALLER in names
    return [
        DoctorCheck(
            "installs at run time",
            ok=ok,
            finding="switched off in Data-Juicer while djsb uses it"
            if ok
            else "this version of Data-Juicer installs missing packages in an unknown way",
            remedy="" if ok else "pip install 'py-data-juicer<1.7'",
            kind=CheckKind.OTHER,
            required=False,
        )
    ]
