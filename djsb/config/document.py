"""Read one YAML or JSON file and record the line of each value."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

from djsb_core.errors import ConfigError
from djsb_core.problems import Problem
from djsb_core.text import depth_of
from djsb_core.yaml_text import FLOAT_WITHOUT_DOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb_core.problems import Location

MAX_DEPTH = 64
MAX_VALUES = 100_000  # nested aliases can expand a small file without limit
MAX_BITS = 1024  # of an integer: Python refuses to print much longer ones
TOO_LARGE = f"nested deeper than {MAX_DEPTH} levels, or too large"
TEXT = "tag:yaml.org,2002:str"
PLAIN = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML 1.1, but as in JSON ``3e-4`` is a number and ``2026-11-22`` a string."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge ``<<`` and keep one pair per key, else nested merges grow without limit."""
        if _has_plain_keys(node):
            return
        super().flatten_mapping(node)
        node.value = list({_key_of(pair[0]): pair for pair in node.value}.values())


def _has_plain_keys(node: yaml.MappingNode) -> bool:
    """Return whether all keys are distinct strings: then there is nothing to merge."""
    keys = [key.value for key, _ in node.value if key.tag == TEXT and type(key) is yaml.ScalarNode]
    return len(set(keys)) == len(node.value)


def _key_of(node: yaml.Node) -> object:
    return (node.tag, node.value) if isinstance(node, yaml.ScalarNode) else id(node)


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in resolvers if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


_Loader.add_implicit_resolver(*FLOAT_WITHOUT_DOT)


@dataclass(frozen=True)
class SourceFile:
    """One file, and the line of each value in it."""

    path: Path
    lines: Mapping[Location, int] = field(default_factory=lambda: MappingProxyType({}))
    overridden: Mapping[Location, Location] = field(default_factory=lambda: MappingProxyType({}))
    """Values that are not the file's, and what set them."""

    def line(self, location: Location) -> int | None:
        """Return the line of a value, or of the nearest one around it."""
        for end in range(len(location), -1, -1):
            line = self.lines.get(location[:end])
            if line is not None:
                return line
        return None

    def place(self, location: Location) -> str:
        """Return ``file:line`` of a value, or of the nearest one around it."""
        line = self.line(location)
        return f"{self.path}" if line is None else f"{self.path}:{line}"

    def problem(
        self, location: Location, text: str, remedy: str = "", *, key: Location | None = None
    ) -> Problem:
        """Describe what is wrong with a value.

        :param key: the location to show, if it is a different one
        """
        for end in range(len(location), 0, -1):
            if location[:end] in self.overridden:
                return Problem(text, remedy, location=self.overridden[location[:end]])
        shown = location if key is None else key
        return Problem(text, remedy, self.path, self.line(location), shown)


@dataclass(frozen=True)
class Document:
    """The value of one file."""

    source: SourceFile
    value: Any

    @property
    def path(self) -> Path:
        """The file."""
        return self.source.path


def read_document(path: Path) -> Document:
    """Read one file.

    :raises ConfigError: if it cannot be read or is not plain YAML; names the line
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        text = f"cannot be read: {error.strerror or error}"
        raise ConfigError([Problem(text, file=path)]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = f"not UTF-8 text: {error.reason}"
        raise _error(path, line, problem, "save the file as UTF-8") from error
    is_json = path.suffix == ".json"
    try:
        return _read_yaml(path, text.replace("\t", " ") if is_json else text)
    except yaml.YAMLError as error:
        if is_json:
            return _read_json(path, text)
        raise _error(path, *_describe(text, error)) from error


def parse_value(text: str) -> Any:  # noqa: ANN401 (any YAML value)
    """Read one value as the experiment file would: ``3e-4`` is a number, ``[1, 2]`` a list.

    :raises ConfigError: if it is not plain YAML
    :raises yaml.YAMLError: likewise
    """
    return _read_yaml(Path("value"), text).value


def _read_json(path: Path, text: str) -> Document:
    """Read JSON that is not valid YAML: its escapes may be surrogate pairs."""
    try:
        value = json.loads(text, object_pairs_hook=_without_duplicates)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _error(path, 1, "not JSON: unpaired surrogate in a string") from error
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise _error(path, line, f"not JSON: {getattr(error, 'msg', error)}") from error
    if depth_of(value) > MAX_DEPTH:
        raise _error(path, 1, f"nested deeper than {MAX_DEPTH} levels")
    return _document(path, value, {(): 1})


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        duplicate = next(key for key in mapping if keys.count(key) > 1)
        raise ValueError(f"the key '{duplicate}' is given twice")
    return mapping


def _read_yaml(path: Path, text: str) -> Document:
    _check_depth(path, text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return _document(path, None, {(): 1})
        walk = _Walk(path, loader)
        value = walk.value_of(node, ())
    finally:
        loader.dispose()
    if walk.problems:
        raise ConfigError(walk.problems)
    return _document(path, value, walk.lines)


def _document(path: Path, value: object, lines: dict[Location, int]) -> Document:
    return Document(SourceFile(path, MappingProxyType(lines)), value)


def _check_depth(path: Path, text: str) -> None:
    """Reject input that would exhaust memory or the stack of the recursive (C) composer."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > 2 * MAX_VALUES:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _error(path, line, TOO_LARGE)


class _Walk:
    """Builds the values of a node tree and notes their lines."""

    def __init__(self, path: Path, loader: Any) -> None:  # noqa: ANN401
        self.path = path
        self.loader = loader
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self._ancestors: list[int] = []

    def value_of(self, node: yaml.Node, location: Location) -> Any:  # noqa: ANN401
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        if id(node) in self._ancestors:
            return self._problem(line, "an alias refers to a value that contains it")
        if len(location) > MAX_DEPTH or len(self.lines) > MAX_VALUES:
            raise _error(self.path, line, TOO_LARGE)
        self._ancestors.append(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return self._scalar(node, line)
            if node.tag not in PLAIN:
                return self._problem(line, f"not plain YAML: the tag '{node.tag}'")
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, location)
            return [self.value_of(item, (*location, i)) for i, item in enumerate(node.value)]
        finally:
            self._ancestors.pop()

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Any:  # noqa: ANN401
        if node.tag == TEXT:
            return node.value
        try:
            value = self.loader.construct_object(node)
        except (ValueError, LookupError, AttributeError):  # !!int x, 0b_, five thousand digits
            return self._problem(line, f"not a value: {node.value[:40]!r}")
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            return self._problem(line, f"not a value: {node.value[:40]!r}")
        if not isinstance(value, str | int | float | None):  # bytes, dates
            return self._problem(line, f"not plain YAML: the tag '{node.tag}'")
        return value

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        self._refuse_duplicates(node)
        self.loader.flatten_mapping(node)
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node.start_mark.line + 1, "a key must be a word")
                continue
            key = str(self._scalar(key_node, key_node.start_mark.line + 1))
            if key in mapping:  # 1 and 0x1, or 1 and "1" from a merge
                self._problem(key_node.start_mark.line + 1, f"the key '{key}' is given twice")
            self.lines[(*location, key)] = key_node.start_mark.line + 1
            mapping[key] = self.value_of(value_node, (*location, key))
        return mapping

    def _refuse_duplicates(self, node: yaml.MappingNode) -> None:
        seen: dict[str, int] = {}
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                continue
            line = key_node.start_mark.line + 1
            if key_node.value in seen and key_node.value != "<<":
                first = seen[key_node.value]
                self._problem(
                    line, f"the key '{key_node.value}' is given twice (first: line {first})"
                )
            seen.setdefault(key_node.value, line)

    def _problem(self, line: int, text: str) -> None:
        problem = Problem(text, file=self.path, line=line)
        if problem not in self.problems:  # one alias may be used many times
            self.problems.append(problem)


def _error(path: Path, line: int, text: str, remedy: str = "") -> ConfigError:
    return ConfigError([Problem(text, remedy, path, line)])


def _describe(text: str, error: yaml.YAMLError) -> tuple[int, str]:
    """Return the line at which a text is not valid YAML, and why."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    message = (
        getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be parsed"
    )
    line = mark.line + 1 if mark else 1
    if isinstance(
        error, yaml.reader.ReaderError
    ):  # a character that YAML does not allow, by its offset
        line = text.encode()[: error.position].count(b"\n") + 1
    return line, f"not plain YAML: {message}"
