"""The environment interface: what a manager such as uv or conda does for djsb."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeAlias

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from djsb_core.interfaces.component import Component, ComponentConfig, ConfigT
from djsb_core.interfaces.paths import InputPath, PathContext

if TYPE_CHECKING:
    from typing_extensions import Self

Command: TypeAlias = Sequence[str]
"""A program and its arguments; no shell reads it."""


class Attempt(tuple[str, ...]):
    """A command that may fail: what it could not do, a later one does."""

    __slots__ = ()


OLDEST_PYTHON = "3.10"
"""djsb-core runs in the environment, and needs it; a plugin may need a newer one."""

MOST_FILES = 100
"""Requirement files that may name each other."""

VERSION = re.compile(r"3\.[0-9]{1,3}(\.[0-9]{1,3})?")
COMMENT = re.compile(r"(^|\s)#.*$")
CONTINUED = re.compile(r"\\\r?\n")
WITH_PATH = {"-e", "--editable", "-c", "--constraint", "-f", "--find-links"}
NESTED = {"-r", "--requirement"}
PLACES = ("./", "../", "/", "~")
ADDRESS = re.compile(r"[a-zA-Z][\w+.-]*://")


def _lines(value: object, info: ValidationInfo) -> object:
    """Read the lines of a requirements file where its path stands in place of the list."""
    context = info.context if isinstance(info.context, PathContext) else PathContext()
    if isinstance(value, str):
        path = context.find(Path(value))
        if path is None or not path.is_file():
            raise ValueError(
                f"no such file: '{value}' (looked in {context.tried}); "
                f"a list holds requirements, a text is the path of a file"
            )
        return tuple(_read(path, []))
    if isinstance(value, list | tuple):
        return tuple(_items(value, context.folders[0]))
    raise ValueError("must be a list of requirements, or the path of a file with them")


def _items(values: Sequence[object], folder: Path) -> Iterator[object]:
    for number, item in enumerate(values, 1):
        if not isinstance(item, str):
            yield item  # refused by its type
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
        raise ValueError(f"{path}: requirement files name each other in a circle")
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
    """Return a line that means the same wherever it stands.

    :raises ValueError: if it is no requirement
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
        what = str(error).partition("\n")[0]
        raise ValueError(f"{place}: '{line}' is no requirement: {what}") from error
    return line


def _absolute(text: str, folder: Path) -> str:
    return text if ADDRESS.match(text) else str((folder / Path(text).expanduser()).resolve())


def is_too_old(version: str) -> bool:
    """Tell whether djsb-core cannot run with a version of Python."""
    return _parts(version) < _parts(OLDEST_PYTHON)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


def _python(value: object) -> object:
    """Read a version of Python; YAML makes a number of ``3.11``, and 3.1 of ``3.10``."""
    if value is None:
        return None
    version = str(value).strip()
    if isinstance(value, bool) or VERSION.fullmatch(version) is None:
        raise ValueError(f"'{version}' is no version of Python; write such as '3.11' or '3.12.4'")
    if is_too_old(version):
        read = "; YAML reads 3.10 as 3.1" if version == "3.1" else ""
        raise ValueError(
            f"Python {version} is too old: djsb runs in the environment too, and needs "
            f"{OLDEST_PYTHON} or newer{read}"
        )
    return version


Requirements: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(_lines, json_schema_input_type=str | list[str])
]
"""Lines as in a requirements file; or the path of one."""

PythonVersion: TypeAlias = Annotated[
    str | None, BeforeValidator(_python, json_schema_input_type=str | float | None)
]


class EnvironmentConfig(ComponentConfig):
    """Settings that every manager takes; either an environment that is there, or what to make."""

    name: str | None = Field(None, min_length=1, description="Name of an existing environment.")
    path: InputPath | None = Field(None, description="Folder of an existing environment.")
    requirements: Requirements = Field(
        (), description="What to install besides the component's own package; or a file's path."
    )
    constraints: Requirements = Field(
        (), description="Versions to keep to, as pip's --constraint; or a file's path."
    )
    python: PythonVersion = Field(
        None, description=f"Version of Python, `{OLDEST_PYTHON}` or newer; default: that of djsb."
    )

    def _unset(self) -> set[str]:
        """Name what has its default, also where that is written out."""
        fields = type(self).model_fields.items()
        return {name for name, field in fields if getattr(self, name) == field.default}

    @model_validator(mode="after")
    def _check_existing(self) -> Self:
        """Refuse to change an environment that is not ours."""
        given = [key for key in ("name", "path") if getattr(self, key) is not None]
        others = sorted(self.model_fields_set - {"name", "path"} - self._unset())
        if given and others:
            raise ValueError(
                f"'{given[0]}' names an environment that is there, and it is used as it is; "
                f"remove {', '.join(others)}, or {given[0]} to have one made"
            )
        if len(given) > 1:
            raise ValueError("give the name of an environment, or its path")
        return self


class Environment(Component[ConfigT]):
    """One isolated environment, of one manager: found, or made by commands.

    It starts no process itself: its commands are run one after the other, under a lock and with
    their output in a log, and the folder is removed if one fails.
    """

    config_type: ClassVar[type[ComponentConfig]] = EnvironmentConfig

    names_are_folders: ClassVar[bool] = False
    """Whether a name is just a path, as in ``uv venv NAME``."""

    @abstractmethod
    def find(self) -> Path | None:
        """Return the folder of the existing environment that the config names; ``None`` if none is.

        :raises ComponentError: if it names one that is not there, with what would be right
        """

    @abstractmethod
    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return the commands that make the environment and install into it.

        One that fails ends the build, unless it is an :class:`Attempt`.

        :param folder: where it goes; it does not exist yet, its parent does
        :param requirements: file with what to install, one requirement a line
        :param constraints: file with the versions to keep to; may be empty
        """

    def python(self, folder: Path) -> Path:
        """Return the environment's interpreter."""
        return folder / "bin" / "python"

    @abstractmethod
    def variables(self, folder: Path) -> Mapping[str, str]:
        """Return what activation sets for the processes that run in it: ``PATH`` and the like."""

    def install_command(self, folder: Path, requirements: Sequence[str]) -> Command:
        """Return the command with which a user adds to an existing environment."""
        return (str(self.python(folder)), "-m", "pip", "install", *requirements)
