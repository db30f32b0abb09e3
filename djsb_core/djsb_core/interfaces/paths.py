"""Paths in a config: which are read or written, and where they are looked up."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ValidationInfo
from pydantic_core import PydanticCustomError

from djsb_core.text import encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

MISSING = "input_path_missing"
VARIABLE = re.compile(r"\$\{(\w+)\}")
ITERATION = re.compile(r"iter_[0-9]+")
MAX_NAME = 255
"""Bytes of the name of a file or folder, on every common file system."""
MAX_PATH = 4000
"""Bytes of a path; Linux allows 4,095, and files are written inside a folder."""


@dataclass(frozen=True)
class PathContext:
    """What is known about the paths of a config while it is validated."""

    folders: tuple[Path, ...] = field(default_factory=lambda: (Path.cwd(),))
    """Folders in which a relative path is looked up, in this order."""

    expected: AbstractSet[Path] = frozenset()
    """Absolute paths that do not exist yet, because an earlier job will write them."""

    placed: Mapping[Path, Path] = field(default_factory=dict)
    """Where results of earlier jobs are, by the absolute path in their settings."""

    outputs: Mapping[Path, Path] = field(default_factory=dict)
    """Where results are written, by the absolute path in the settings."""

    _found: dict[Path, Path | None] = field(default_factory=dict, compare=False, repr=False)
    """The look-ups so far that found something."""

    def find(self, path: Path) -> Path | None:
        """Return the absolute path of an existing or expected file or folder."""
        match = self._found.get(path)
        if match is None:
            match = self._look_up(path)
            if match is not None:
                self._found[path] = match
        return match

    def _look_up(self, path: Path) -> Path | None:
        for folder in self.folders:
            try:
                match = self._find(folder, expand_path(path))
            except (OSError, ValueError, RuntimeError):  # too long, a NUL, no such user's home
                continue
            if match is not None:
                return match
        return None

    def resolve(self, path: Path) -> Path:
        """Return the absolute path without links."""
        return Path(os.path.realpath(path))  # as `resolve`, at half the cost

    def _find(self, folder: Path, path: Path) -> Path | None:
        """Look up a path, results of this run first: an existing file may be of another run."""
        names = dict.fromkeys((path, _without_iteration(path)))
        candidates = [self.resolve(folder / name) for name in names]
        results = (self._find_result(candidate) for candidate in candidates)
        existing = (candidate for candidate in candidates if candidate.exists())
        return next(
            (candidate for candidate in (*results, *existing) if candidate is not None), None
        )

    def _find_result(self, candidate: Path) -> Path | None:
        if not self.placed and not self.expected:
            return None
        results = [parent for parent in (candidate, *candidate.parents) if parent in self.placed]
        if len(results) > 1:  # one result is inside another: the first one in the list counts
            results.sort(key=list(self.placed).index)
        for result in results:
            inside = self.placed[result] / candidate.relative_to(result)
            if inside.exists():
                return inside
        return candidate if self._is_expected(candidate) else None

    @property
    def tried(self) -> str:
        """The folders as text, for error messages."""
        return " and ".join(dict.fromkeys(map(str, self.folders)))

    def _is_expected(self, path: Path) -> bool:
        return path in self.expected or any(parent in self.expected for parent in path.parents)


def _without_iteration(path: Path) -> Path:
    """Leave out ``iter_1``, which published configs add to results of the first iteration."""
    if ITERATION.search(str(path)) is None:
        return path
    return Path(*(part for part in path.parts if not ITERATION.fullmatch(part)))


def expand_path(path: str | Path) -> Path:
    """Replace ``${NAME}`` by the environment variable, and ``~`` by the user's home.

    :raises ValueError: if the variable is not set, or there is no such home
    """
    text = str(path)
    if "${" in text:
        text = VARIABLE.sub(_variable, text)
    try:
        return Path(text).expanduser() if text.startswith("~") else Path(text)
    except RuntimeError:
        raise ValueError(f"no such user's home: '{text[:80]}'") from None


def expansion_fault(text: str) -> str | None:
    """Describe why a path cannot be expanded, if it is so."""
    try:
        expand_path(text)
    except ValueError as error:
        return str(error)
    return None


def _variable(match: re.Match[str]) -> str:
    value = os.environ.get(match[1])
    if not value:
        raise ValueError(f"the environment variable {match[1]} is not set")
    return value


def _find_input(path: Path, info: ValidationInfo) -> Path:
    context = info.context if isinstance(info.context, PathContext) else PathContext()
    fault = expansion_fault(str(path)) if "${" in str(path) else None
    if fault is not None:
        raise PydanticCustomError("input_path", "{fault}", {"fault": encodable(fault)})
    match = context.find(path)
    if match is None:
        raise PydanticCustomError(
            MISSING,
            "no such file or folder: '{path}' (looked in {tried})",
            {"path": encodable(str(path)), "tried": encodable(context.tried)},
        )
    return match


def _make_absolute(path: Path, info: ValidationInfo) -> Path:
    fault = path_fault(str(path))
    if fault is not None:
        raise PydanticCustomError("output_path", "{fault}", {"fault": encodable(fault)})
    context = info.context
    if not isinstance(context, PathContext):
        return Path.cwd() / expand_path(path)
    absolute = context.folders[0] / expand_path(path)
    return context.outputs.get(absolute, absolute)


def path_fault(text: str) -> str | None:
    """Describe why no file or folder can have this path, if it is so."""
    if "\0" in text:
        return "a path cannot hold a NUL character"
    try:
        encoded = os.fsencode(Path.cwd() / expand_path(text))
    except UnicodeEncodeError:
        return "a path cannot hold half of a surrogate pair"
    except ValueError as error:
        return str(error)
    longest = max(map(len, encoded.split(b"/")))
    if longest > MAX_NAME:
        return f"a name in this path has {longest:,} bytes; at most {MAX_NAME} are possible"
    if len(encoded) > MAX_PATH:
        return f"this path has {len(encoded):,} bytes; at most {MAX_PATH:,} are possible"
    return None


@dataclass(frozen=True)
class PathRole:
    """Marks a path of a config as read or written by its component."""

    writes: bool


InputPath: TypeAlias = Annotated[Path, AfterValidator(_find_input), PathRole(writes=False)]
"""An existing file or folder; looked up in the working directory, then next to the experiment."""

OutputPath: TypeAlias = Annotated[Path, AfterValidator(_make_absolute), PathRole(writes=True)]
"""A file or folder that the component writes; relative to the working directory."""


def paths_of(config: BaseModel, *, writes: bool) -> list[Path]:
    """List the paths of a config that are written (or read), nested models included."""
    return list(_walk_model(config, writes=writes))


def _walk_model(config: BaseModel, *, writes: bool) -> Iterator[Path]:
    for name, roles in _roles_of(type(config)).items():
        value = getattr(config, name, None)  # an incomplete config lacks some fields
        if writes in roles:
            yield from _paths_in(value)
        elif isinstance(value, BaseModel):
            yield from _walk_model(value, writes=writes)


@lru_cache(maxsize=1024)
def _roles_of(model: type[BaseModel]) -> Mapping[str, frozenset[bool]]:
    """Return for each field of a model whether it is marked as read (False) or written (True)."""
    return {
        name: frozenset(role.writes for role in _roles(info.metadata, info.annotation))
        for name, info in model.model_fields.items()
    }


def _roles(metadata: Iterable[object], annotation: Any) -> list[PathRole]:  # noqa: ANN401
    roles = [item for item in metadata if isinstance(item, PathRole)]
    for argument in getattr(annotation, "__args__", ()):
        roles += _roles(getattr(argument, "__metadata__", ()), argument)
    return roles


def _paths_in(value: object) -> Iterator[Path]:
    if isinstance(value, Path) and value.is_absolute():
        yield value
    elif isinstance(value, str | Path):
        yield Path.cwd() / value
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _paths_in(item)
