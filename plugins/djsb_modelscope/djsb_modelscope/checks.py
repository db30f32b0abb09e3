"""What ``djsb doctor`` shows of this plugin, in addition to its dependencies."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from djsb_core.api import CheckKind, DoctorCheck, check_packages
from djsb_modelscope.models import PACKAGES, TRANSFORMERS_5, major_version

if TYPE_CHECKING:
    from collections.abc import Iterable


def list_checks() -> Iterable[DoctorCheck]:
    """Check the packages, and report which of ModelScope's own models can be trained."""
    return [*check_packages("djsb-modelscope", PACKAGES), _check_megatron(), _check_native()]


def _check_megatron() -> DoctorCheck:
    ok = find_spec("megatron_util") is not None
    finding = (
        "installed" if ok else "missing: only ModelScope's own gpt3, gpt-moe, mglm, plug need it"
    )
    return _remark("megatron_util", finding)


def _check_native() -> DoctorCheck:
    old = 0 < major_version("transformers") < TRANSFORMERS_5
    finding = (
        "all of ModelScope's own models"
        if old
        else "not ModelScope's own bert, T5, xlm-roberta, qwen-7b: they need transformers<5"
    )
    return _remark("ModelScope native mode", finding)


def _remark(subject: str, finding: str) -> DoctorCheck:
    """Return an informational check."""
    return DoctorCheck(subject, ok=True, finding=finding, kind=CheckKind.PACKAGE, required=False)
