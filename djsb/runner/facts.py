"""Facts about a run's environment: versions, the machine, the command line."""

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

ENTRY_POINTS, GROUPS = "entry_points.txt", "[djsb."
"""The metadata file of a package's entry points, and the prefix of djsb's groups in it."""

REQUIRED = re.compile(r"[A-Za-z0-9][\w.-]*")
FOR_DEVELOPERS = re.compile(r"""extra\s*==\s*["'](test|dev)["']""")
HEADER = re.compile(r"^(Name|Version):(.*)$", re.MULTILINE)

CPUS = Path("/proc/cpuinfo")
GPUS = Path("/proc/driver/nvidia/gpus")
GPU = re.compile(r"^Model:\s*(.+?)\s*$", re.MULTILINE)
GIT_SECONDS = 2.0


def run_facts(masker: Masker, machine: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Collect facts about a run's environment that need no waiting; no host or user name.

    :param machine: :func:`machine_facts`, the same for all runs of a process
    :param folder: the working directory in which the run was planned
    """
    facts = {
        **machine,
        "command": [masker.text(word) for word in without_secret_options(sys.argv)],
        "working_directory": masker.text(str(folder)),
        "git_commit": _git_commit(),
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def machine_facts() -> dict[str, Any]:
    """Collect versions and hardware; unknown facts are left out."""
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
    """Return the versions of djsb, its plugins and their declared dependencies."""
    plugins = [dist for dist in distributions() if GROUPS in (dist.read_text(ENTRY_POINTS) or "")]
    versions = dict(map(_version, plugins))
    requirements = [text for dist in plugins for text in dist.requires or ()]
    matches = [REQUIRED.match(text) for text in requirements if not FOR_DEVELOPERS.search(text)]
    for name in {match[0] for match in matches if match is not None}:
        with suppress(PackageNotFoundError):  # it belongs to an extra
            versions |= [_version(distribution(name))]
    return dict(sorted(versions.items(), key=lambda item: item[0].lower()))


def _version(dist: Distribution) -> tuple[str, str]:
    """Return name and version from the head of the metadata: parsing all of it is 20x slower.

    Alternative spellings (``PyYAML``, ``pyyaml``) give the same name.
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
    """Return the names of NVIDIA GPUs as reported by the driver; starts no process."""
    names = []
    for path in sorted(GPUS.glob("*/information")):
        with suppress(OSError):
            names += GPU.findall(path.read_text(encoding="utf-8", errors="replace"))
    return names or None


def _git_commit() -> str | None:
    """Return the commit of the working directory, if it is in a git repository."""
    git = shutil.which("git")
    if git is None:
        return None
    with suppress(OSError, subprocess.TimeoutExpired):
        result = subprocess.run(  # noqa: S603 (git, found on PATH)
            [git, "rev-parse", "--verify", "--quiet", "HEAD"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS,
            check=False,
            text=True,
        )
        return result.stdout.strip() or None
    return None


def without_secret_options(command: list[str]) -> list[str]:
    """Mask the values of options and settings with the name of a secret.

    >>> without_secret_options(["djsb", "--api-key", "sk-1", "--set", "a.token=x", "--limit=3"])
    ['djsb', '--api-key', '***', '--set', 'a.token=***', '--limit=3']
    """
    masked: list[str] = []
    for word in command:
        name, is_pair, value = word.partition("=")
        previous = masked[-1] if masked else ""
        if is_pair and value and _names_secret(name):
            masked.append(f"{name}={MASK}")
        elif previous.startswith("-") and "=" not in previous and _names_secret(previous):
            masked.append(MASK)
        else:
            masked.append(word)
    return masked


def _names_secret(name: str) -> bool:
    return is_secret_name(name.lstrip("-").rpartition(".")[2])
