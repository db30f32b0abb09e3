"""What is recorded of each run's surroundings: versions, the machine, the command line."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core import __version__
from djsb_core.masking import MASK, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import Distribution

    from djsb_core.masking import Masker

ANNOUNCED, GROUPS = "entry_points.txt", "[djsb."
"""Where a package announces what it offers, and how the groups of djsb begin there."""

REQUIRED = re.compile(r"[A-Za-z0-9][\w.-]*")
FOR_DEVELOPERS = re.compile(r"""extra\s*==\s*["'](test|dev)["']""")
HEADER = re.compile(r"^(Name|Version):(.*)$", re.MULTILINE)

CPUS = Path("/proc/cpuinfo")
GPUS = Path("/proc/driver/nvidia/gpus")
GPU = re.compile(r"^Model:\s*(.+?)\s*$", re.MULTILINE)
GIT_SECONDS = 2.0


def run_facts(masker: Masker, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what is known of a run's surroundings without delay; host and user are not among it.

    :param machine: :func:`machine_facts`, which are the same for all runs of a process
    """
    facts = {
        **machine,
        "command": [masker.text(word) for word in _without_secret_options(sys.argv)],
        "working_directory": masker.text(str(Path.cwd())),
        "git_commit": _git_commit(),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def machine_facts() -> dict[str, Any]:
    """Collect versions and hardware; what a machine does not tell is left out."""
    facts = {
        "djsb": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": os.uname().machine,
        "distribution": _linux(),
        "cpu": _cpu(),
        "cpu_count": os.cpu_count(),
        "memory": _memory(),
        "gpus": _gpus(),
        "packages": packages(),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def packages() -> dict[str, str]:
    """Return the versions of djsb, of its plugins, and of what they say they depend on."""
    own = [dist for dist in distributions() if GROUPS in (dist.read_text(ANNOUNCED) or "")]
    found = dict(map(_version, own))
    required = [one for dist in own for one in dist.requires or ()]
    names = [REQUIRED.match(one) for one in required if not FOR_DEVELOPERS.search(one)]
    for name in {one[0] for one in names if one is not None}:
        with suppress(PackageNotFoundError):  # it belongs to an extra
            found |= [_version(distribution(name))]
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _version(dist: Distribution) -> tuple[str, str]:
    """Return name and version from the head of the metadata: parsing all of it takes 20 x as long.

    The names of two spellings (``PyYAML``, ``pyyaml``) come out as one.
    """
    head = dict(HEADER.findall((dist.read_text("METADATA") or "").partition("\n\n")[0]))
    if len(head) == len(("Name", "Version")):
        return head["Name"].strip(), head["Version"].strip()
    return dist.name, dist.version


def _linux() -> str | None:
    with suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    return None


def _cpu() -> str | None:
    with suppress(OSError):
        for line in CPUS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return None


def _memory() -> int | None:
    """Return the machine's memory in bytes."""
    with suppress(ValueError, OSError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _gpus() -> list[str] | None:
    """Return the names of NVIDIA's GPUs, as their driver tells them; nothing is started for it."""
    found = []
    for path in sorted(GPUS.glob("*/information")):
        with suppress(OSError):
            found += GPU.findall(path.read_text(encoding="utf-8", errors="replace"))
    return found or None


def _git_commit() -> str | None:
    """Return the commit of the working directory, if git knows it."""
    git = shutil.which("git")
    if git is None:
        return None
    with suppress(OSError, subprocess.TimeoutExpired):
        asked = subprocess.run(  # noqa: S603 (git, found on PATH)
            [git, "rev-parse", "--verify", "--quiet", "HEAD"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
            text=True,
        )
        return asked.stdout.strip() or None
    return None


def _without_secret_options(command: list[str]) -> list[str]:
    """Mask what follows an option or setting whose name is that of a secret.

    >>> _without_secret_options(["djsb", "--api-key", "sk-1", "--set", "a.token=x", "--limit=3"])
    ['djsb', '--api-key', '***', '--set', 'a.token=***', '--limit=3']
    """
    shown: list[str] = []
    for word in command:
        name, is_pair, value = word.partition("=")
        before = shown[-1] if shown else ""
        if is_pair and value and _names_secret(name):
            shown.append(f"{name}={MASK}")
        elif before.startswith("-") and "=" not in before and _names_secret(before):
            shown.append(MASK)
        else:
            shown.append(word)
    return shown


def _names_secret(name: str) -> bool:
    return is_secret_name(name.lstrip("-").rpartition(".")[2])
