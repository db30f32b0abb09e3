"""Virtual environments of Python, created by uv, venv or virtualenv."""

from __future__ import annotations

import os
import shutil
import sys
from abc import abstractmethod
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar

from pydantic import field_validator

from djsb_core.api import (
    Attempt,
    CheckKind,
    Command,
    ComponentError,
    DoctorCheck,
    Environment,
    EnvironmentConfig,
    snapshot,
)
from djsb_environments.metadata import needs_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--no-input")
MARK = "pyvenv.cfg"
"""File that marks a folder as a virtual environment."""


class UvConfig(EnvironmentConfig):
    """Settings of ``uv``."""


class PipConfig(EnvironmentConfig):
    """Settings of a manager that installs with pip."""

    @field_validator("requirements")
    @classmethod
    def _check_hashes(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        """Reject options that would break the installation of djsb's own dependencies."""
        if any("--hash" in line for line in lines):
            raise ValueError(
                "with a --hash, pip requires one for every package, including those that djsb "
                "needs; use `manager: uv`, which checks only the given hashes"
            )
        return lines


class VenvConfig(PipConfig):
    """Settings of ``venv``."""


class VirtualenvConfig(PipConfig):
    """Settings of ``virtualenv``."""


class _VirtualEnvironment(Environment[EnvironmentConfig]):
    """The layout that the three have in common."""

    names_are_folders: ClassVar[bool] = True

    def find(self) -> Path | None:
        """Return the folder in the config.

        :raises ComponentError: if it is not an environment
        """
        folder = self.config.path
        if folder is not None and not self.python(folder).exists():
            raise ComponentError(
                f"{folder} is not an environment: it has no bin/python; "
                f"set the folder that has it, or omit it to have one created"
            )
        return folder

    def variables(self, folder: Path) -> Mapping[str, str]:
        """Put its programs first on PATH, like activation."""
        path = os.pathsep.join(filter(None, (str(folder / "bin"), os.environ.get("PATH"))))
        prefix = "VIRTUAL_ENV" if (folder / MARK).exists() else "CONDA_PREFIX"
        return {"PATH": path, prefix: str(folder)}

    def needs(self) -> Sequence[DoctorCheck]:
        """Check that the manager is installed; an existing environment does not need it."""
        return () if self.config.path is not None else self._tools()

    @abstractmethod
    def _tools(self) -> Sequence[DoctorCheck]: ...

    def _pip(self, folder: Path, requirements: Path, constraints: Path) -> Command:
        files = ("--requirement", str(requirements), "--constraint", str(constraints))
        return (str(self.python(folder)), *PIP, *files)


class UvEnvironment(_VirtualEnvironment):
    """Created by ``uv``: fastest, with hard links into uv's cache; can download a Python."""

    config_type: ClassVar[type[EnvironmentConfig]] = UvConfig

    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return three commands; uv has its own installer, so no pip is needed inside.

        The second installs djsb-core's own requirements from uv's cache, if available: querying
        the index for each of them would take most of the time. Any version that fits will do.
        """
        uv = find_uv() or "uv"
        version = self.config.python or sys.executable
        install = (uv, "pip", "install", "--python", str(self.python(folder)))
        # uv warns of an empty file
        pins = ("--constraints", str(constraints)) if self.config.constraints else ()
        _, own = needs_of((), snapshot())
        return (
            (uv, "venv", "--python", version, str(folder)),
            Attempt((*install, "--quiet", "--offline", *pins, *(text for text, _ in own))),
            (*install, "--requirements", str(requirements), *pins),
        )

    def install_command(self, folder: Path, requirements: Sequence[str]) -> Command:
        """Return uv's own command: its environments have no pip."""
        return ("uv", "pip", "install", "--python", str(self.python(folder)), *requirements)

    def _tools(self) -> Sequence[DoctorCheck]:
        uv = find_uv()
        return (_command("uv", uv, "pip install uv"),)


class VenvEnvironment(_VirtualEnvironment):
    """Created by Python's own ``venv`` and pip: needs no other program."""

    config_type: ClassVar[type[EnvironmentConfig]] = VenvConfig

    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return two commands: ``python -m venv``, and pip inside."""
        python = find_python(self.config.python) or f"python{self.config.python}"
        return (
            (python, "-m", "venv", str(folder)),
            self._pip(folder, requirements, constraints),
        )

    def _tools(self) -> Sequence[DoctorCheck]:
        checks = [_python_check(self.config.python)]
        if self.config.python is None:
            has_ensurepip = find_spec("ensurepip") is not None
            finding = "with ensurepip" if has_ensurepip else "this Python has no ensurepip for pip"
            remedy = "install your system's package python3-venv, or use `manager: uv`"
            checks.append(
                DoctorCheck(
                    "venv",
                    has_ensurepip,
                    finding,
                    "" if has_ensurepip else remedy,
                    CheckKind.COMMAND,
                )
            )
        return checks


class VirtualenvEnvironment(_VirtualEnvironment):
    """Created by ``virtualenv`` and pip."""

    config_type: ClassVar[type[EnvironmentConfig]] = VirtualenvConfig

    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return two commands: ``virtualenv``, and pip inside."""
        program = find_virtualenv() or ("virtualenv",)
        python = self.config.python or sys.executable
        return (
            (*program, "--python", python, str(folder)),
            self._pip(folder, requirements, constraints),
        )

    def _tools(self) -> Sequence[DoctorCheck]:
        command = find_virtualenv()
        return (
            _command(
                "virtualenv", " ".join(command) if command else None, "pip install virtualenv"
            ),
        )


@lru_cache(maxsize=1)
def find_uv() -> str | None:
    """Return the program ``uv``: that of the installed package, or else the one on ``PATH``."""
    if find_spec("uv") is not None:
        from uv import find_uv_bin

        try:
            return str(find_uv_bin())
        except FileNotFoundError:  # its package is damaged
            pass
    return shutil.which("uv")


def find_virtualenv() -> tuple[str, ...] | None:
    """Return the command that starts ``virtualenv``."""
    if find_spec("virtualenv") is not None:
        return (sys.executable, "-m", "virtualenv")
    program = shutil.which("virtualenv")
    return None if program is None else (program,)


def find_python(version: str | None) -> str | None:
    """Return an interpreter of a version (``3.12`` or ``3.12.4``): this one, or one on ``PATH``."""
    if version is None or _is_this(version):
        return sys.executable
    return shutil.which("python" + ".".join(version.split(".")[:2]))


def _is_this(version: str) -> bool:
    here = ".".join(map(str, sys.version_info[:3]))
    return f"{here}.".startswith(f"{version}.")


def _python_check(version: str | None) -> DoctorCheck:
    python = find_python(version)
    subject = f"Python {version}" if version else "Python"
    if python is not None:
        return DoctorCheck(subject, ok=True, finding=python, kind=CheckKind.COMMAND)
    return DoctorCheck(
        subject,
        ok=False,
        finding=f"not found on PATH, and this is {sys.version.split()[0]}",
        remedy="install it, or use `manager: uv`, which can download one",
        kind=CheckKind.COMMAND,
    )


def _command(name: str, program: str | None, remedy: str) -> DoctorCheck:
    if program is not None:
        return DoctorCheck(name, ok=True, finding=program, kind=CheckKind.COMMAND)
    missing = "command not found"
    return DoctorCheck(name, ok=False, finding=missing, remedy=remedy, kind=CheckKind.COMMAND)
