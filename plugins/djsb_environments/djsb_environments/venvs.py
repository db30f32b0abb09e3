"""Environments as Python's own ``venv`` makes them, by three commands: uv, venv, virtualenv."""

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
"""File of every virtual environment; its folder is one."""


class UvConfig(EnvironmentConfig):
    """Settings of ``uv``."""


class PipConfig(EnvironmentConfig):
    """Settings of a manager whose environments pip fills."""

    @field_validator("requirements")
    @classmethod
    def _check_hashes(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what would end the installation of djsb's own packages."""
        if any("--hash" in line for line in lines):
            raise ValueError(
                "with a --hash, pip wants one for every package, also for those that djsb needs; "
                "take `manager: uv`, which checks those that are given"
            )
        return lines


class VenvConfig(PipConfig):
    """Settings of ``venv``."""


class VirtualenvConfig(PipConfig):
    """Settings of ``virtualenv``."""


class _VirtualEnvironment(Environment[EnvironmentConfig]):
    """What the three have in common: where things are."""

    names_are_folders: ClassVar[bool] = True

    def find(self) -> Path | None:
        """Return the folder that the config names.

        :raises ComponentError: if there is no environment in it
        """
        folder = self.config.path
        if folder is not None and not self.python(folder).exists():
            raise ComponentError(
                f"{folder} is no environment: it has no bin/python; "
                f"name the folder that has it, or leave it out to have one made"
            )
        return folder

    def variables(self, folder: Path) -> Mapping[str, str]:
        """Put its programs first, as activation does."""
        path = os.pathsep.join(filter(None, (str(folder / "bin"), os.environ.get("PATH"))))
        prefix = "VIRTUAL_ENV" if (folder / MARK).exists() else "CONDA_PREFIX"
        return {"PATH": path, prefix: str(folder)}

    def needs(self) -> Sequence[DoctorCheck]:
        """Say whether the manager is here; an environment that is there needs none."""
        return () if self.config.path is not None else self._tools()

    @abstractmethod
    def _tools(self) -> Sequence[DoctorCheck]: ...

    def _pip(self, folder: Path, requirements: Path, constraints: Path) -> Command:
        files = ("--requirement", str(requirements), "--constraint", str(constraints))
        return (str(self.python(folder)), *PIP, *files)


class UvEnvironment(_VirtualEnvironment):
    """Made by ``uv``: the fastest, with hard links into uv's own cache; can fetch a Python."""

    config_type: ClassVar[type[EnvironmentConfig]] = UvConfig

    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return three commands: uv brings its own installer, so that no pip is needed inside.

        The second takes djsb-core's own requirements out of uv's cache, if they are there: to ask
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
        """Return uv's own: its environments have no pip."""
        return ("uv", "pip", "install", "--python", str(self.python(folder)), *requirements)

    def _tools(self) -> Sequence[DoctorCheck]:
        found = find_uv()
        return (_command("uv", found, "pip install uv"),)


class VenvEnvironment(_VirtualEnvironment):
    """Made by Python's own ``venv``, filled by pip: needs nothing that is not there."""

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
            there = find_spec("ensurepip") is not None
            finding = "with ensurepip" if there else "this Python has no ensurepip, for pip in it"
            remedy = "install your system's package python3-venv, or take `manager: uv`"
            checks.append(
                DoctorCheck("venv", there, finding, "" if there else remedy, CheckKind.COMMAND)
            )
        return checks


class VirtualenvEnvironment(_VirtualEnvironment):
    """Made by ``virtualenv``, filled by pip."""

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
        found = find_virtualenv()
        return (
            _command("virtualenv", " ".join(found) if found else None, "pip install virtualenv"),
        )


@lru_cache(maxsize=1)
def find_uv() -> str | None:
    """Return the program ``uv``: of the package of that name, else the one on ``PATH``."""
    if find_spec("uv") is not None:
        from uv import find_uv_bin

        try:
            return str(find_uv_bin())
        except FileNotFoundError:  # its package was damaged
            pass
    return shutil.which("uv")


def find_virtualenv() -> tuple[str, ...] | None:
    """Return how ``virtualenv`` is called."""
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
    found = find_python(version)
    subject = f"Python {version}" if version else "Python"
    if found is not None:
        return DoctorCheck(subject, ok=True, finding=found, kind=CheckKind.COMMAND)
    return DoctorCheck(
        subject,
        ok=False,
        finding=f"there is no such python on PATH, and this is {sys.version.split()[0]}",
        remedy="install it, or take `manager: uv`, which can fetch one",
        kind=CheckKind.COMMAND,
    )


def _command(name: str, found: str | None, remedy: str) -> DoctorCheck:
    if found is not None:
        return DoctorCheck(name, ok=True, finding=found, kind=CheckKind.COMMAND)
    missing = "there is no such command"
    return DoctorCheck(name, ok=False, finding=missing, remedy=remedy, kind=CheckKind.COMMAND)
