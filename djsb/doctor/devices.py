"""Graphics cards, and whether the installed torch can use them.

Imports no torch, which takes seconds: what torch was built for stands in a small file of its own.
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
"""How long ``nvidia-smi`` may take; it wakes sleeping cards."""
FIELDS = "name,memory.total,memory.free,driver_version"

VISIBLE = "CUDA_VISIBLE_DEVICES"
DEVICE = re.compile(r"[0-9]+|(GPU|MIG)-[^\s,]+")


def check_gpus() -> list[DoctorCheck]:
    """List the graphics cards with their memory; to have none is no fault."""
    if shutil.which("nvidia-smi") is None:
        apple = platform.system() == "Darwin" and platform.machine() == "arm64"
        found = (
            "Apple GPU (mps)" if apple else "none: there is no nvidia-smi; models run on the CPU"
        )
        return [DoctorCheck("GPU", ok=True, finding=found, kind=CheckKind.DEVICE)]
    cards, problem = _ask_nvidia()
    if problem:
        remedy = "mend the driver (after an update of it, restart the machine)"
        return [_gpu("GPU", f"nvidia-smi fails: {problem}", remedy)]
    return [_gpu(f"GPU {i}", card) for i, card in enumerate(cards)]


def list_gpus() -> tuple[str, ...]:
    """List the graphics cards as ``CUDA_VISIBLE_DEVICES`` names them.

    Where that variable is set, they are those that it names: CUDA reads it up to the first entry
    that is no device. Where it is not, all that ``nvidia-smi`` shows, by index.
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
    """Check that torch was built for the cards that are there, and torchvision for this torch.

    transformers imports torchvision wherever it is installed, and one of another build than torch
    fails at that: not even a language model can be loaded then.

    :param beside_gpu: whether this machine has an NVIDIA card
    :param transformers: whether transformers is used; else torchvision may do no harm
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
                remedy="" if built != "cpu" else "reinstall torch in the build for your driver",
                kind=CheckKind.DEVICE,
                required=False,
            )
        )
    if torch is not None and vision is not None:
        fits = torch.partition("+")[2] == vision.partition("+")[2]
        said = "is of the same build as" if fits else "was built for another torch than"
        checks.append(
            DoctorCheck(
                "torchvision build",
                ok=fits,
                finding=f"{vision} {said} {torch}" + ("" if fits else "; importing models fails"),
                remedy=""
                if fits
                else "pip uninstall torchvision (or install that of torch's build)",
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
    """Return the cards in words, or what is wrong."""
    command = ["nvidia-smi", f"--query-gpu={FIELDS}", "--format=csv,noheader,nounits"]
    try:
        ran = subprocess.run(  # noqa: S603 (a list; no shell)
            command, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], str(error)
    lines = [line for line in ran.stdout.splitlines() if line.strip()]
    if ran.returncode or not lines:
        said = (ran.stdout + ran.stderr).strip().splitlines()
        return [], said[0] if said else f"exit status {ran.returncode}, no output"
    return [_card(line) for line in lines], ""


def _card(line: str) -> str:
    """Put a line of numbers (MiB) into words; a card may not tell some of them."""
    name, *rest = (part.strip() for part in line.split(","))
    sizes = [
        size_text(int(part) * 2**20, binary=True) if part.isdigit() else "?" for part in rest[:2]
    ]
    driver = f"; driver {rest[2]}" if len(rest) > len(sizes) else ""
    return f"{name}, {' of '.join(reversed(sizes))} free{driver}"
