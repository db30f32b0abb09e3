"""What the readers of an experiment file share: its files, and the problems found so far."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from djsb.config.document import Document, Location, read_document
from djsb.config.experiment import lookup_folders
from djsb.config.problems import describe_errors, show_location
from djsb_core.errors import ConfigError
from djsb_core.interfaces.paths import PathContext

ModelT = TypeVar("ModelT", bound=BaseModel)


class Reading:
    """One reading of an experiment file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[str] = []
        self._context = PathContext(lookup_folders(document.path))
        self._files: dict[str, Document | None] = {}

    def say(
        self, document: Document, location: Location, text: str, key: Location | None = None
    ) -> None:
        """Note a problem: file, line, key and sentence.

        :param key: the key to show, if it is not the location
        """
        shown = show_location(location if key is None else key)
        self.problems.append(f"{document.place(location)}: {shown}: {text}")

    def side_file(self, path: str, document: Document, location: Location) -> Document | None:
        """Read a file that stands at a location in place of a value; each file once.

        :returns: ``None`` if it cannot be read; the problem is noted
        """
        if path not in self._files:
            self._files[path] = self._read(path, document, location)
        elif self._files[path] is None and self._find(path) is None:
            self._say_absent(path, document, location)
        return self._files[path]

    def _read(self, path: str, document: Document, location: Location) -> Document | None:
        found = self._find(path)
        if found is None:
            self._say_absent(path, document, location)
            return None
        try:
            return read_document(_shorten(found))
        except ConfigError as error:
            self.problems += error.problems
            return None

    def _find(self, path: str) -> Path | None:
        found = self._context.find(Path(path))
        return found if found is not None and found.is_file() else None

    def _say_absent(self, path: str, document: Document, location: Location) -> None:
        text = f"no such file: '{path}' (looked in {self._context.tried})"
        self.say(document, location, text)

    def validate(
        self, model: type[ModelT], value: object, document: Document, at: Location
    ) -> ModelT | None:
        """Validate a value that stands at a location; note each problem where it stands.

        :returns: ``None`` if it is wrong
        """
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for location, sentence in describe_errors(error, model, value):
                place = document.place((*at, *location))
                shown = show_location((*at, *location)) or "experiment"
                self.problems.append(f"{place}: {shown}: {sentence}")
            return None


def _shorten(path: Path) -> Path:
    """Name a file as the user would: relative where it lies below the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
