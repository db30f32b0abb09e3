"""What ``djsb doctor`` shows of this package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from djsb_core.api import DoctorCheck, hookimpl

GIBI = 1 << 30


@hookimpl
def djsb_doctor_checks() -> list[DoctorCheck]:
    """Look at torch, transformers, a torchvision that does not fit, and the GPUs."""
    checks = [check_package("torch"), check_package("transformers"), check_torchvision()]
    return [*checks, *check_devices()] if checks[0].ok else checks


def check_package(name: str) -> DoctorCheck:
    """Tell which version of a package is installed."""
    found = installed(name)
    if found is None:
        return DoctorCheck(name, ok=False, finding="not installed", remedy=f"pip install {name}")
    return DoctorCheck(name, ok=True, finding=found)


def check_torchvision() -> DoctorCheck:
    """Tell whether torchvision, if it is there, was built for this torch.

    transformers imports torchvision when it is installed, and one that was built for CUDA fails
    beside a torch for CPUs: not even a language model can be loaded then.
    """
    torch, torchvision = installed("torch"), installed("torchvision")
    if torchvision is None:
        return DoctorCheck("torchvision", ok=True, finding="not installed; not needed")
    if torch is None or build_of(torch) == build_of(torchvision):
        return DoctorCheck("torchvision", ok=True, finding=torchvision)
    return DoctorCheck(
        "torchvision",
        ok=False,
        finding=f"{torchvision} was not built for torch {torch}; transformers fails to import",
        remedy="pip uninstall torchvision",
    )


def check_devices() -> list[DoctorCheck]:
    """List the GPUs with their memory; none is no fault."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return [DoctorCheck("torch", ok=False, finding=f"cannot be imported: {error}")]
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpus = [torch.cuda.get_device_properties(index) for index in range(count)]
    if not gpus:
        also = "Apple GPU (mps)" if torch.backends.mps.is_available() else "none; models run on CPU"
        return [DoctorCheck("GPU", ok=True, finding=also)]
    return [
        DoctorCheck(
            f"GPU {index}", ok=True, finding=f"{gpu.name}, {gpu.total_memory / GIBI:.0f} GiB"
        )
        for index, gpu in enumerate(gpus)
    ]


def installed(name: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def build_of(found: str) -> str:
    """Return what a version says of its build: ``cpu`` of ``2.13.0+cpu``."""
    return found.partition("+")[2]
