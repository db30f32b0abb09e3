"""Environments of conda packages: conda, mamba (or micromamba, if only that is installed)."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Self

import yaml
from pydantic import Field, field_validator, model_validator

from djsb_core.api import (
    OLDEST_PYTHON,
    CheckKind,
    Command,
    ComponentError,
    DoctorCheck,
    Environment,
    InputPath,
    is_too_old,
    suggest,
)
from djsb_environments.venvs import PIP, PipConfig

YAML = {".yml", ".yaml"}
LISTING_SECONDS = 60
PINNED = re.compile(r"python\s*=+\s*(3(?:\.[0-9]+)?)\b")
REMEDY = "install Miniforge (conda-forge.org), or use `manager: uv`"


class CondaConfig(PipConfig):
    """Settings of ``conda`` and ``mamba``."""

    channels: tuple[str, ...] = Field((), description="Channels in order of preference.")
    packages: tuple[str, ...] = Field(
        (), description="Conda packages to install, such as `ffmpeg` or `cuda-toolkit=12.4`."
    )
    file: InputPath | None = Field(
        None, description="An environment file (environment.yml), or a list of conda packages."
    )

    @field_validator("channels", "packages")
    @classmethod
    def _check_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        """Prevent words from being parsed as options."""
        for word in words:
            if not word.strip() or word.startswith("-"):
                raise ValueError(f"'{word}' is not a valid name")
        return words

    @model_validator(mode="after")
    def _check_file(self) -> Self:
        if self.file is not None and self.file.suffix in YAML:
            pinned = _pinned_python(self.file)
            if pinned is not None and is_too_old(f"{pinned}.0" if pinned == "3" else pinned):
                raise ValueError(
                    f"{self.file} pins Python {pinned}, which is too old: djsb also runs in the "
                    f"environment, and needs {OLDEST_PYTHON} or newer; change it in the file"
                )
        return self


class CondaEnvironment(Environment[CondaConfig]):
    """Created by ``conda``, which also installs packages other than Python's."""

    config_type: ClassVar[type[CondaConfig]] = CondaConfig
    programs: ClassVar[tuple[str, ...]] = ("conda",)

    def find(self) -> Path | None:
        """Return the folder of an existing environment, given by name or by path.

        :raises ComponentError: if there is no such environment
        """
        if self.config.name is not None:
            return self._find_named(self.config.name)
        folder = self.config.path
        if folder is not None and not self.python(folder).exists():
            raise ComponentError(f"{folder} is not an environment with Python: no bin/python")
        return folder

    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return the commands: install Python and conda packages, those in the file, then pip's."""
        program = self.program() or self.programs[0]
        version = self.config.python or f"{sys.version_info.major}.{sys.version_info.minor}"
        where = ("--yes", "--prefix", str(folder))
        channels = [word for channel in self.config.channels for word in ("--channel", channel)]
        specs = (f"python={version}", "pip", *self.config.packages)
        pip = ("--requirement", str(requirements), "--constraint", str(constraints))
        return (
            (program, "create", *where, *channels, *specs),
            *self._with_file(program, folder, channels),
            (str(self.python(folder)), *PIP, *pip),
        )

    def variables(self, folder: Path) -> Mapping[str, str]:
        """Put its programs first on PATH, like activation; its activation scripts are not run."""
        path = os.pathsep.join(filter(None, (str(folder / "bin"), os.environ.get("PATH"))))
        named = self.config.name or str(folder)
        return {"PATH": path, "CONDA_PREFIX": str(folder), "CONDA_DEFAULT_ENV": named}

    def needs(self) -> Sequence[DoctorCheck]:
        """Check that the manager is installed; an existing environment does not need it."""
        if self.config.path is not None:
            return ()
        program, subject = self.program(), " or ".join(self.programs)
        finding = program or "command not found"
        remedy = "" if program else REMEDY
        return (DoctorCheck(subject, program is not None, finding, remedy, CheckKind.COMMAND),)

    @classmethod
    def program(cls) -> str | None:
        """Return the manager's program; for ``conda``, that of its shell setup comes first."""
        if "conda" in cls.programs and (named := os.environ.get("CONDA_EXE")):
            return shutil.which(named) or shutil.which("conda")
        return next(filter(None, map(shutil.which, cls.programs)), None)

    def _with_file(self, program: str, folder: Path, channels: Sequence[str]) -> list[Command]:
        file = self.config.file
        if file is None:
            return []
        where = ("--prefix", str(folder))
        if file.suffix in YAML and Path(program).name != "micromamba":
            return [(program, "env", "update", *where, "--file", str(file))]
        return [(program, "install", "--yes", *where, *channels, "--file", str(file))]

    def _find_named(self, name: str) -> Path:
        program = self.program()
        if program is None:
            raise ComponentError(f"{' or '.join(self.programs)} is not installed; {REMEDY}")
        folders = _list_environments(program)
        matches = [path for path in folders if path.name == name and path.parent.name == "envs"]
        matches += [path for path in folders if path.name == name and path not in matches]
        for folder in matches:
            if self.python(folder).exists():
                return folder
        known = sorted({path.name for path in folders if path.parent.name == "envs"})
        raise ComponentError(
            f"{Path(program).name} has no environment '{name}' with Python; {suggest(name, known)}"
        )


class MambaEnvironment(CondaEnvironment):
    """Created by ``mamba`` or ``micromamba``: like conda, but faster."""

    programs: ClassVar[tuple[str, ...]] = ("mamba", "micromamba")


@lru_cache(maxsize=8)
def _list_environments(program: str) -> tuple[Path, ...]:
    """Query a manager once for the folders of its environments.

    :raises ComponentError: if the query fails
    """
    command = [program, "env", "list", "--json"]
    try:
        process = subprocess.run(  # noqa: S603 (a manager that the user has installed)
            command, capture_output=True, text=True, timeout=LISTING_SECONDS, check=True
        )
        return tuple(map(Path, json.loads(process.stdout)["envs"]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        output = getattr(error, "stderr", None) or str(error)
        last = output.strip().splitlines()[-1:] or [type(error).__name__]
        raise ComponentError(f"{' '.join(command)} failed: {last[0]}") from error


def _pinned_python(file: Path) -> str | None:
    """Return the Python version that an environment file pins, if any.

    :raises ValueError: if it is not an environment file
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error
    packages = content.get("dependencies") if isinstance(content, dict) else None
    if not isinstance(packages, list):
        raise ValueError(f"{file} is not an environment file: no list 'dependencies'")  # noqa: TRY004
    matches = (PINNED.match(package) for package in packages if isinstance(package, str))
    return next((match[1] for match in matches if match), None)
