"""State shared by the readers of an experiment file: its files and the problems so far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from djsb.config.document import Document, SourceFile, read_document
from djsb.config.experiment import lookup_folders
from djsb.config.problems import describe_errors
from djsb_core.errors import ConfigError
from djsb_core.interfaces.paths import PathContext, expansion_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb_core.problems import Location, Problem

ModelT = TypeVar("ModelT", bound=BaseModel)


class Reading:
    """One reading of an experiment file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.folders = lookup_folders(document.path)
        self._context = PathContext(self.folders)
        self._files: dict[str, Document | None] = {}

    def add_problem(
        self,
        source: SourceFile,
        location: Location,
        text: str,
        remedy: str = "",
        *,
        key: Location | None = None,
    ) -> None:
        """Record a problem with a value.

        :param key: the location to show, if it is a different one
        """
        self.problems.append(source.problem(location, text, remedy, key=key))

    def side_file(self, path: str, document: Document, location: Location) -> Document | None:
        """Read the file named at a location in place of a value; each file once.

        :returns: ``None`` if it cannot be read; the problem is recorded
        """
        if path not in self._files:
            self._files[path] = self._read(path, document, location)
        elif self._files[path] is None and self._find(path) is None:
            self._add_absent(path, document, location)
        return self._files[path]

    def _read(self, path: str, document: Document, location: Location) -> Document | None:
        file = self._find(path)
        if file is None:
            self._add_absent(path, document, location)
            return None
        try:
            return read_document(_shorten(file))
        except ConfigError as error:
            self.problems += error.problems
            return None

    def _find(self, path: str) -> Path | None:
        file = self._context.find(Path(path))
        return file if file is not None and file.is_file() else None

    def _add_absent(self, path: str, document: Document, location: Location) -> None:
        fault = expansion_fault(path) if "${" in path else None
        text = fault or f"no such file: '{path}' (looked in {self._context.tried})"
        self.add_problem(document.source, location, text)

    def validate(
        self, model: type[ModelT], value: object, document: Document, at: Location
    ) -> ModelT | None:
        """Validate the value at a location; record each problem with its location.

        :returns: ``None`` if it is invalid
        """
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self._add_errors(error, model, value, document, at)
            return None

    def salvage(
        self,
        model: type[ModelT],
        value: object,
        document: Document,
        at: Location,
        required: Mapping[str, object],
    ) -> tuple[ModelT | None, frozenset[Location]]:
        """Validate the value at a location, as :meth:`validate`; leave out what is invalid in it.

        :param required: stand-ins for required values that are missing or invalid
        :returns: the rest (``None`` if there is none), and the locations of what is left out
        """
        try:
            return model.model_validate(value), frozenset()
        except ValidationError as error:
            locations = self._add_errors(error, model, value, document, at)
        if not isinstance(value, dict):
            return None, frozenset()
        for depth in (None, 1):
            rest = value
            for location in locations:
                rest = _without(rest, location[:depth])
            try:
                return model.model_validate({**required, **rest}), frozenset(locations)
            except ValidationError:
                continue  # what is around an invalid value is invalid, too
        return None, frozenset()

    def _add_errors(
        self,
        error: ValidationError,
        model: type[BaseModel],
        value: object,
        document: Document,
        at: Location,
    ) -> list[Location]:
        """Record the problems of a validation; return their locations in the value."""
        problems = list(describe_errors(error, model, value))
        for problem in problems:
            location = (*at, *problem.location)
            key = location or ("experiment",)
            self.add_problem(document.source, location, problem.text, problem.remedy, key=key)
        return [problem.location for problem in problems]


def _without(tree: dict[str, Any], location: Location) -> dict[str, Any]:
    """Copy a mapping without the value at a location; a list with an invalid item is removed."""
    key, *inner = location or ("",)
    rest = dict(tree)
    value = rest.pop(str(key), None)
    if inner and isinstance(value, dict):
        rest[str(key)] = _without(value, tuple(inner))
    return rest


def _shorten(path: Path) -> Path:
    """Name a file as the user would: relative where it lies below the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
