"""Data-Juicer's operators, read from source: their arguments, and the statistics they write."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from djsb_datajuicer.annotations import NAMES, Hint, hint_of
from djsb_datajuicer.sources import module_file, operator_files, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BASE_PARAMETERS = "_BASE_PARAMS"
BASE_FILE = "base_op.py"


@dataclass(frozen=True)
class Parameter:
    """One argument of an operator."""

    hint: Hint
    """The type of its value; ``Any`` if the source does not determine it."""
    default: object = None
    """Its default if that is a literal, otherwise ``None``."""
    is_literal: bool = True
    """Whether the source says its default: a literal."""


@dataclass(frozen=True)
class Definition:
    """A class in the operator's ancestry and its file."""

    path: Path
    node: ast.ClassDef

    @property
    def aliases(self) -> Mapping[str, ast.expr]:
        """The module-level assignments, such as type aliases or the operator's name."""
        return _assignments(self.path)


@dataclass(frozen=True)
class Operator:
    """One operator, read from its source."""

    name: str
    lineage: tuple[Definition, ...]
    """The operator's class, then its ancestors within Data-Juicer."""

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """All arguments of the operator, including those of its ancestors."""
        parameters: dict[str, Parameter] = {}
        for definition in self.lineage:
            for name, parameter in _parameters(definition):
                parameters.setdefault(name, parameter)
        return parameters

    @property
    def statistics(self) -> frozenset[str]:
        """The per-sample statistics that the operator can write."""
        paths = {
            definition.path for definition in self.lineage if definition.path.name != BASE_FILE
        }
        return frozenset(key for path in paths for key in _statistics(path))


def operator_of(name: str, custom: Mapping[str, Path]) -> Operator | None:
    """Return an operator by its name in recipes; ``None`` if no installed package registers it.

    :param name: the operator, such as ``text_length_filter``
    :param custom: the recipe's custom operators, with their files
    """
    path = custom.get(name) or operator_files().get(name)
    return None if path is None else _read(name, path)


@lru_cache(maxsize=256)
def _read(name: str, path: Path) -> Operator:
    for node in parse(path).body:
        if isinstance(node, ast.ClassDef) and name in _registered(node, path):
            return Operator(name, tuple(_lineage(Definition(path, node))))
    return Operator(name, ())


def _registered(node: ast.ClassDef, path: Path) -> Iterator[str]:
    """Yield the names under which a class is registered."""
    constants = _assignments(path)
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and decorator.args:
            argument = decorator.args[0]
            if isinstance(argument, ast.Name):
                argument = constants.get(argument.id, argument)
            if isinstance(argument, ast.JoinedStr):
                yield "".join(_text(part, constants) for part in argument.values)
            elif isinstance(argument, ast.Constant):
                yield str(argument.value)


def _text(part: ast.expr, constants: Mapping[str, ast.expr]) -> str:
    if isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
        part = constants.get(part.value.id, part)
    return str(part.value) if isinstance(part, ast.Constant) else ""


def _lineage(definition: Definition) -> Iterator[Definition]:
    yield definition
    for base in definition.node.bases:
        if isinstance(base, ast.Name):
            parent = _find_class(definition.path, base.id)
            if parent is not None:
                yield from _lineage(parent)


def _find_class(path: Path, name: str) -> Definition | None:
    """Find a class by its name in a module, following the module's imports."""
    for node in parse(path).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return Definition(path, node)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                source = module_file(node.module or "", node.level, path)
                if (alias.asname or alias.name) == name and source is not None:
                    return _find_class(source, alias.name)
    return None


def _parameters(definition: Definition) -> Iterator[tuple[str, Parameter]]:
    for node in definition.node.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield from _arguments(node.args, definition.aliases)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            yield from _declared(node.value) if BASE_PARAMETERS in names else ()


def _arguments(
    node: ast.arguments, aliases: Mapping[str, ast.expr]
) -> Iterator[tuple[str, Parameter]]:
    positional = [*node.posonlyargs, *node.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(node.defaults))
    pairs = zip(positional, [*missing, *node.defaults], strict=True)
    keywords = zip(node.kwonlyargs, node.kw_defaults, strict=True)
    for argument, default in [*pairs, *keywords]:
        if argument.arg != "self":
            yield (
                argument.arg,
                Parameter(
                    hint_of(argument.annotation, aliases), _literal(default), _is_literal(default)
                ),
            )


def _declared(node: ast.Dict) -> Iterator[tuple[str, Parameter]]:
    """Parse ``{"text_key": (str, "text"), ...}``, as declared by the operators' base classes."""
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(value, ast.Tuple):
            kind, default = value.elts
            hint = NAMES.get(kind.id, Any) if isinstance(kind, ast.Name) else Any
            yield str(key.value), Parameter(hint, _literal(default), _is_literal(default))


def _literal(node: ast.expr | None) -> object:
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None


def _is_literal(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) or _literal(node) is not None


@lru_cache(maxsize=256)
def _assignments(path: Path) -> Mapping[str, ast.expr]:
    return {
        target.id: node.value
        for node in parse(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@lru_cache(maxsize=256)
def _statistics(path: Path) -> frozenset[str]:
    """List the attributes of ``StatsKeys`` in a file, which equal the statistics' names."""
    return frozenset(
        node.attr
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "StatsKeys"
    )
