"""Query the interpreter of an environment for its installed packages."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from djsb_core.api import OLDEST_PYTHON, is_too_old, read_object, snapshot, write_object
from djsb_environments.build import EnvironmentBuildError, clean_variables
from djsb_environments.metadata import meets, refuse_python

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from djsb_core.api import WantedEnvironment

SECONDS = 60
QUESTION = """
import json, sys, sysconfig
from importlib.metadata import distributions
names = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
version = ".".join(map(str, sys.version_info[:3]))
json.dump([version, sysconfig.get_path("purelib"), names], sys.stdout)
"""


@dataclass(frozen=True)
class Inventory:
    """The contents of an environment."""

    version: str
    """Version of Python: ``3.11.7``."""
    library: Path
    """Folder that changes when a package is installed."""
    installed: Mapping[str, str]
    """Versions of packages by name."""

    @property
    def frozen(self) -> str:
        """The packages in the format of ``pip freeze``."""
        lines = sorted(f"{name}=={version}\n" for name, version in self.installed.items())
        return "".join(lines)


def take_inventory(python: Path) -> Inventory:
    """Start an interpreter and query it.

    :raises EnvironmentBuildError: if it does not work
    """
    try:
        process = subprocess.run(  # noqa: S603 (the environment's interpreter, our question)
            [python, "-I", "-c", QUESTION],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
            env=clean_variables(),
        )
        version, library, installed = json.loads(process.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        last = lines[-1] if lines else type(error).__name__
        raise EnvironmentBuildError(f"{python} does not work: {last}") from error
    return Inventory(version, Path(library), installed)


def check_existing(wanted: WantedEnvironment, folder: Path, memory: Path) -> None:
    """Check that djsb and the component's package can run in an environment of the user.

    A positive result is cached until the interpreter or its packages change.

    :param memory: file that caches the result
    :raises EnvironmentBuildError: naming what is missing, and the command that installs it
    """
    python = wanted.environment.python(folder)
    cached = read_object(memory)
    if cached is not None and cached == _signature(python, Path(cached["library"]), wanted):
        return
    inventory = take_inventory(python)
    _refuse_old(wanted, python, inventory.version)
    _refuse_lacking(wanted, folder, missing_in(inventory, wanted.requirements))
    memory.parent.mkdir(parents=True, exist_ok=True)
    write_object(memory, _signature(python, inventory.library, wanted), durable=False)


def check_made(wanted: WantedEnvironment, inventory: Inventory) -> None:
    """Check that a manager has created the requested environment.

    :raises EnvironmentBuildError: if it has not
    """
    version = wanted.environment.config.python or ".".join(map(str, sys.version_info[:2]))
    if not f"{inventory.version}.".startswith(f"{version}."):
        raise EnvironmentBuildError(
            f"the environment {wanted.label} has Python {inventory.version}, not {version}"
        )
    missing = missing_in(inventory, wanted.requirements)
    if missing:
        raise EnvironmentBuildError(
            f"the environment {wanted.label} was created, but lacks {', '.join(missing)}"
        )


def missing_in(inventory: Inventory, requirements: Iterable[str]) -> list[str]:
    """List the requirements that an environment does not meet."""
    versions = {canonicalize_name(name): version for name, version in inventory.installed.items()}
    missing = []
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:  # an option, a path, an address: without a name
            continue
        version = versions.get(canonicalize_name(requirement.name))
        if not meets(requirement, version, inventory.version):
            missing.append(text)
    return missing


def _refuse_old(wanted: WantedEnvironment, python: Path, version: str) -> None:
    if is_too_old(version):
        raise EnvironmentBuildError(
            f"the environment {wanted.label} has Python {version}, but djsb also runs in it, and "
            f"needs {OLDEST_PYTHON} or newer ({python}); use another one, or have one created"
        )
    text = refuse_python(version, wanted.distributions, snapshot())
    if text is not None:
        raise EnvironmentBuildError(
            f"the environment {wanted.label} cannot be used: {text} ({python}); use another one, "
            f"or have one created"
        )


def _refuse_lacking(wanted: WantedEnvironment, folder: Path, missing: list[str]) -> None:
    if missing:
        needs = "need" if len(wanted.distributions) > 1 else "needs"
        command = wanted.environment.install_command(folder, [f"'{text}'" for text in missing])
        raise EnvironmentBuildError(
            f"the environment {wanted.label} lacks {', '.join(missing)}, which "
            f"{' and '.join(wanted.distributions)} {needs}; install with:\n  {' '.join(command)}"
        )


def _signature(python: Path, library: Path, wanted: WantedEnvironment) -> dict[str, object]:
    """Return a value that changes when the result may change."""
    return {
        "python": str(python),
        "library": str(library),
        "changed": [_changed(python), _changed(library)],
        "requirements": list(wanted.requirements),
    }


def _changed(path: Path) -> list[int]:
    try:
        state = path.stat()
    except OSError:
        return []
    return [state.st_mtime_ns, state.st_size]
