"""GPUs, and whether the installed torch can use them.

Does not import torch, which takes seconds: its build is recorded in a small file.
"""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from djsb_core.hookspecs import CheckKind, DoctorCheck
from djsb_core.machine.installed import installed_version
from djsb_core.text import size_text

SECONDS = 20
"""Timeout of ``nvidia-smi``, which wakes sleeping GPUs."""
FIELDS = "name,memory.total,memory.free,driver_version"

VISIBLE = "CUDA_VISIBLE_DEVICES"
DEVICE = re.compile(r"[0-9]+|(GPU|MIG)-[^\s,]+")


def check_gpus() -> list[DoctorCheck]:
    """List the GPUs with their memory; none is required."""
    if shutil.which("nvidia-smi") is None:
        apple = platform.system() == "Darwin" and platform.machine() == "arm64"
        finding = (
            "Apple GPU (mps)" if apple else "none: nvidia-smi not found; models run on the CPU"
        )
        return [DoctorCheck("GPU", ok=True, finding=finding, kind=CheckKind.DEVICE)]
    cards, problem = _ask_nvidia()
    if problem:
        remedy = "repair the driver (after a driver update, restart the machine)"
        return [_gpu("GPU", f"nvidia-smi fails: {problem}", remedy)]
    return [_gpu(f"GPU {i}", card) for i, card in enumerate(cards)]


def list_gpus() -> tuple[str, ...]:
    """List the GPUs as ``CUDA_VISIBLE_DEVICES`` names them.

    If that variable is set, those that it names: CUDA reads it up to the first entry that is not a
    device. Otherwise all that ``nvidia-smi`` shows, by index.
    """
    cards = _ask_nvidia()[0] if shutil.which("nvidia-smi") else None
    visible = os.environ.get(VISIBLE)
    if visible is None:
        return tuple(str(i) for i in range(len(cards or ())))
    devices: list[str] = []
    for entry in visible.split(","):
        device = entry.strip()
        absent = cards is not None and device.isdecimal() and int(device) >= len(cards)
        if absent or DEVICE.fullmatch(device) is None or device in devices:
            break
        devices.append(device)
    return tuple(devices)


def check_torch(*, beside_gpu: bool, transformers: bool) -> list[DoctorCheck]:
    """Check that torch was built for the available GPUs, and torchvision for this torch.

    transformers imports torchvision if it is installed, and this import fails if its build differs
    from that of torch: then not even a language model can be loaded.

    :param beside_gpu: whether this machine has an NVIDIA GPU
    :param transformers: whether transformers is used; otherwise torchvision may be harmless
    """
    torch, vision = installed_version("torch"), installed_version("torchvision")
    checks = []
    if torch is not None and beside_gpu:
        built = torch_build()
        checks.append(
            DoctorCheck(
                "torch build",
                ok=built != "cpu",
                finding=f"{torch} is built for {built}",
                remedy="" if built != "cpu" else "reinstall the torch build for your driver",
                kind=CheckKind.DEVICE,
                required=False,
            )
        )
    if torch is not None and vision is not None:
        fits = torch.partition("+")[2] == vision.partition("+")[2]
        relation = "matches the build of" if fits else "was built for another torch than"
        checks.append(
            DoctorCheck(
                "torchvision build",
                ok=fits,
                finding=f"{vision} {relation} {torch}"
                + ("" if fits else "; importing models fails"),
                remedy=""
                if fits
                else "pip uninstall torchvision (or install the one of torch's build)",
                kind=CheckKind.PACKAGE,
                required=transformers,
            )
        )
    return checks


@lru_cache(maxsize=1)
def torch_build() -> str:
    """Return what torch was built for: ``CUDA 13.0``, ``ROCm 6.4`` or ``cpu``."""
    spec = find_spec("torch")
    file = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    if file is None or not file.is_file():
        return "an unknown device"
    names: dict[str, object] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.AnnAssign):
            continue
        if isinstance(node.target, ast.Name) and isinstance(node.value, ast.Constant):
            names[node.target.id] = node.value.value
    if names.get("cuda"):
        return f"CUDA {names['cuda']}"
    return f"ROCm {names['hip']}" if names.get("hip") else "cpu"


def _gpu(subject: str, finding: str, remedy: str = "") -> DoctorCheck:
    return DoctorCheck(
        subject,
        ok=not remedy,
        finding=finding,
        remedy=remedy,
        kind=CheckKind.DEVICE,
        required=False,
    )


def _ask_nvidia() -> tuple[list[str], str]:
    """Return descriptions of the GPUs, and the error if there is one."""
    command = ["nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
    try:
        result = subprocess.run(  # noqa: S603 (a list; no shell)
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], str(error)
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    if result.returncode or not lines:
        messages = (result.stdout + result.stderr).strip().splitlines()
        return [], messages[0] if messages else f"exit status {result.returncode}, no output"
    return [_card(line) for line in lines], ""


def _card(line: str) -> str:
    """Describe a GPU from a line of numbers (MiB), some of which may be unavailable."""
    name, *rest = (part.strip() for part in line.split(","))
    sizes = [
        size_text(int(part) * 2**20, binary=True) if part.isdigit() else "?" for part in rest[:2]
    ]
    driver = f"; driver {rest[2]}" if len(rest) > len(sizes) else ""
    return f"{name}, {' of '.join(reversed(sizes))} free{driver}"
