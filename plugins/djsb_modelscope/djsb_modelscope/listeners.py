"""What ``djsb doctor`` shows of this plugin."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from djsb_core.api import DoctorCheck, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Tried together: ModelScope 1.40 with these; (package, least, first that is too new).
WINDOWS = (
    ("modelscope", (1, 40), (1, 41)),
    ("transformers", (4, 57), (6,)),
    ("datasets", (4, 7), (4, 8, 5)),
    ("torch", (2, 6), (3,)),
)


@hookimpl
def djsb_doctor_checks() -> Iterable[DoctorCheck]:
    """Check the versions that fit together, and what breaks or completes them."""
    checks = [_check_window(*window) for window in WINDOWS]
    return [*checks, _check_torchvision(), _check_megatron(), _check_native()]


def _check_window(package: str, least: tuple[int, ...], too_new: tuple[int, ...]) -> DoctorCheck:
    wanted = f">={_dotted(least)},<{_dotted(too_new)}"
    remedy = f"pip install '{package}{wanted}'"
    found = _version(package)
    if found is None:
        return DoctorCheck(package, ok=False, finding="not installed", remedy=remedy)
    ok = least <= _numbers(found) < too_new
    finding = found if ok else f"{found}; tried with {wanted}"
    return DoctorCheck(package, ok, finding, "" if ok else remedy)


def _check_torchvision() -> DoctorCheck:
    """Compare builds: torchvision of another build breaks every import of a model."""
    vision, torch = _version("torchvision"), _version("torch")
    if vision is None:
        return DoctorCheck("torchvision", ok=True, finding="absent, and not needed")
    builds = [text.partition("+")[2] for text in (vision, torch or "")]
    ok = builds[0] == builds[1]
    finding = f"{vision} beside torch {torch}"
    remedy = "" if ok else "pip uninstall torchvision; a build unlike torch's breaks transformers"
    return DoctorCheck("torchvision", ok, finding, remedy)


def _check_megatron() -> DoctorCheck:
    ok = find_spec("megatron_util") is not None
    finding = (
        "installed" if ok else "absent: only ModelScope's own gpt3, gpt-moe, mglm, plug need it"
    )
    return DoctorCheck("megatron_util", ok=True, finding=finding)


def _check_native() -> DoctorCheck:
    found = _version("transformers") or ""
    old = bool(found) and _numbers(found) < (5,)
    finding = (
        "all of ModelScope's own models"
        if old
        else "not ModelScope's own bert, T5, xlm-roberta, qwen-7b: they need transformers<5"
    )
    return DoctorCheck("ModelScope native mode", ok=True, finding=finding)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.partition("+")[0].split(".")
    return tuple(int(part) for part in parts if part.isdigit())


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
