"""The environment interface, implemented for managers such as uv or conda."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from djsb_core.interfaces.component import Component, ComponentConfig, ConfigT
from djsb_core.interfaces.paths import InputPath, PathContext, expand_path

if TYPE_CHECKING:
    from typing_extensions import Self

Command: TypeAlias = Sequence[str]
"""A program and its arguments; it is not passed to a shell."""


class Attempt(tuple[str, ...]):
    """A command that may fail, because a later one completes its work."""

    __slots__ = ()


OLDEST_PYTHON = "3.10"
"""Oldest version on which djsb-core, which runs in the environment, works."""

MOST_FILES = 100
"""Maximum depth of requirements files that include each other."""

VERSION = re.compile(r"3\.[0-9]{1,3}(\.[0-9]{1,3})?")
COMMENT = re.compile(r"(^|\s)#.*$")
CONTINUED = re.compile(r"\\\r?\n")
WITH_PATH = {"-e", "--editable", "-c", "--constraint", "-f", "--find-links"}
NESTED = {"-r", "--requirement"}
PLACES = ("./", "../", "/", "~")
ADDRESS = re.compile(r"[a-zA-Z][\w+.-]*://")


def _lines(value: object, info: ValidationInfo) -> object:
    """Read the requirements from a file if its path is given instead of a list."""
    context = info.context if isinstance(info.context, PathContext) else PathContext()
    if isinstance(value, str):
        path = context.find(Path(value))
        if path is None or not path.is_file():
            raise ValueError(
                f"no such file: '{value}' (looked in {context.tried}); "
                f"write requirements as a list, a string is the path of a file"
            )
        return tuple(_read(path, []))
    if isinstance(value, list | tuple):
        return tuple(_items(value, context.folders[0]))
    raise ValueError("must be a list of requirements, or the path of a requirements file")


def _items(values: Sequence[object], folder: Path) -> Iterator[object]:
    for number, item in enumerate(values, 1):
        if not isinstance(item, str):
            yield item  # rejected by the type of the field
            continue
        line = item.strip()
        nested = _nested(line)
        if nested is not None:
            yield from _read((folder / nested).resolve(), [])
        else:
            yield _checked(line, folder, f"item {number}")


def _nested(line: str) -> str | None:
    """Return the path of the requirements file that a line names: ``-r more.txt``."""
    option, _, value = line.replace("=", " ", 1).partition(" ")
    return value.strip() if option in NESTED else None


def _read(path: Path, seen: list[Path]) -> Iterator[str]:
    if path in seen or len(seen) > MOST_FILES:
        raise ValueError(f"{path}: requirements files include each other in a cycle")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    for number, raw in enumerate(CONTINUED.sub(" ", text).splitlines(), 1):
        line = COMMENT.sub("", raw).strip()
        nested = _nested(line)
        if nested is not None:
            yield from _read((path.parent / nested).resolve(), [*seen, path])
        elif line:
            yield _checked(line, path.parent, f"{path}:{number}")


def _checked(line: str, folder: Path, place: str) -> str:
    """Return a requirement line with absolute paths.

    :raises ValueError: if it is not a valid requirement
    """
    option, _, value = line.partition(" ")
    if option in WITH_PATH:
        return f"{option} {_absolute(value.strip(), folder)}"
    from packaging.requirements import InvalidRequirement, Requirement

    if line.startswith("-") or ADDRESS.match(line):
        return line
    if line.startswith(PLACES):
        return _absolute(line, folder)
    try:
        Requirement(re.split(r"\s--", line, maxsplit=1)[0])
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{place}: '{line}' is not a valid requirement: {reason}") from error
    return line


def _absolute(text: str, folder: Path) -> str:
    return text if ADDRESS.match(text) else str((folder / expand_path(text)).resolve())


def is_too_old(version: str) -> bool:
    """Return whether a Python version is too old for djsb-core."""
    return _parts(version) < _parts(OLDEST_PYTHON)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


def _python(value: object) -> object:
    """Parse a Python version; YAML parses ``3.11`` as a number, and ``3.10`` as 3.1."""
    if value is None:
        return None
    version = str(value).strip()
    if isinstance(value, bool) or VERSION.fullmatch(version) is None:
        raise ValueError(f"'{version}' is not a Python version; examples: '3.11', '3.12.4'")
    if is_too_old(version):
        hint = "; YAML reads 3.10 as 3.1" if version == "3.1" else ""
        raise ValueError(
            f"Python {version} is too old: djsb also runs in the environment, and needs "
            f"{OLDEST_PYTHON} or newer{hint}"
        )
    return version


Requirements: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(_lines, json_schema_input_type=str | list[str])
]
"""Lines as in a requirements file, or the path of one."""

PythonVersion: TypeAlias = Annotated[
    str | None, BeforeValidator(_python, json_schema_input_type=str | float | None)
]


class EnvironmentConfig(ComponentConfig):
    """Settings of every manager: either an existing environment, or what to create."""

    name: str | None = Field(None, min_length=1, description="Name of an existing environment.")
    path: InputPath | None = Field(None, description="Folder of an existing environment.")
    requirements: Requirements = Field(
        (),
        description="What to install in addition to the component's package; or the path of a"
        " requirements file.",
    )
    constraints: Requirements = Field(
        (), description="Version constraints, as for pip's --constraint; or the path of a file."
    )
    python: PythonVersion = Field(
        None, description=f"Python version, `{OLDEST_PYTHON}` or newer; default: that of djsb."
    )

    def _unset(self) -> set[str]:
        """Return the fields that have their default value, even if it was set explicitly."""
        fields = type(self).model_fields.items()
        return {name for name, field in fields if getattr(self, name) == field.default}

    @model_validator(mode="after")
    def _check_existing(self) -> Self:
        """Reject settings that would change an environment which djsb did not create."""
        existing = [key for key in ("name", "path") if getattr(self, key) is not None]
        others = sorted(self.model_fields_set - {"name", "path"} - self._unset())
        if existing and others:
            raise ValueError(
                f"'{existing[0]}' names an existing environment, which is used unchanged; "
                f"remove {', '.join(others)}, or remove {existing[0]} to have one created"
            )
        if len(existing) > 1:
            raise ValueError("set either the name or the path of an environment, not both")
        return self


class Environment(Component[ConfigT]):
    """An isolated environment of one manager: an existing one, or one created by commands.

    It starts no process itself: djsb runs its commands in sequence, under a lock and with their
    output in a log, and removes the folder if one fails.
    """

    config_type: ClassVar[type[ComponentConfig]] = EnvironmentConfig

    names_are_folders: ClassVar[bool] = False
    """Whether a name is just a path, as in ``uv venv NAME``."""

    @abstractmethod
    def find(self) -> Path | None:
        """Return the folder of the existing environment in the config; ``None`` if it names none.

        :raises ComponentError: if that environment does not exist, with a remedy
        """

    @abstractmethod
    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return the commands that create the environment and install into it.

        A command that fails ends the build, unless it is an :class:`Attempt`.

        :param folder: folder of the environment; it does not exist yet, but its parent does
        :param requirements: file with what to install, one requirement per line
        :param constraints: file with version constraints; may be empty
        """

    def python(self, folder: Path) -> Path:
        """Return the environment's interpreter."""
        return folder / "bin" / "python"

    @abstractmethod
    def variables(self, folder: Path) -> Mapping[str, str]:
        """Return the variables that activation sets, such as ``PATH``."""

    def install_command(self, folder: Path, requirements: Sequence[str]) -> Command:
        """Return the command with which a user installs into an existing environment."""
        return (str(self.python(folder)), "-m", "pip", "install", *requirements)
