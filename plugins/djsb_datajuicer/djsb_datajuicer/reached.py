"""Which code of an operator runs, given its arguments: certainly, or possibly."""

from __future__ import annotations

import ast
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

UNKNOWN = object()
"""The value of an expression that the arguments do not determine."""


def reached(
    body: Iterable[ast.AST], known: Mapping[str, Any], *, possibly: bool = False
) -> Iterator[ast.AST]:
    """Yield the nodes that are evaluated, given the known names.

    :param known: values by name, ``self.name`` for attributes
    :param possibly: also what runs only under conditions that the names do not determine
    """
    for node in body:
        if isinstance(node, ast.If | ast.IfExp):
            yield from _branches(node, known, possibly=possibly)
        elif isinstance(node, ast.BoolOp):
            values = node.values if possibly else node.values[:1]
            yield from reached(values, known, possibly=possibly)
        elif isinstance(node, ast.Try):
            parts = ast.iter_child_nodes(node) if possibly else node.body
            yield from reached(parts, known, possibly=possibly)
        elif not isinstance(node, ast.FunctionDef | ast.Lambda):
            yield node
            yield from reached(ast.iter_child_nodes(node), known, possibly=possibly)


def _branches(
    node: ast.If | ast.IfExp, known: Mapping[str, Any], *, possibly: bool
) -> Iterator[ast.AST]:
    yield from reached([node.test], known, possibly=possibly)
    outcome = value_of(node.test, known)
    for branch, taken in ((node.body, True), (node.orelse, False)):
        if possibly if outcome is UNKNOWN else bool(outcome) is taken:
            nodes = branch if isinstance(branch, list) else [branch]
            yield from reached(nodes, known, possibly=possibly)


def value_of(  # noqa: PLR0911 (one line per form of expression)
    node: ast.expr, known: Mapping[str, Any]
) -> Any:  # noqa: ANN401 (any value)
    """Return the value of an expression such as ``not tokenization``, or :data:`UNKNOWN`."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return known.get(name, UNKNOWN)
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return known.get(f"self.{name}", UNKNOWN)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = value_of(operand, known)
            return UNKNOWN if inner is UNKNOWN else not inner
        case ast.BoolOp(op=op, values=parts):
            return _joined([value_of(part, known) for part in parts], isinstance(op, ast.Or))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compared(value_of(left, known), op, value_of(right, known))
        case _:
            return UNKNOWN


def _joined(values: list[Any], any_of: bool) -> Any:  # noqa: ANN401, FBT001 (any value)
    """Return the value of ``a or b`` or ``a and b``: the first that decides."""
    for value in values[:-1]:
        if value is UNKNOWN:
            return UNKNOWN
        if bool(value) is any_of:
            return value
    return values[-1]


def _compared(left: object, operator: ast.cmpop, right: object) -> Any:  # noqa: ANN401 (or UNKNOWN)
    if left is UNKNOWN or right is UNKNOWN:
        return UNKNOWN
    match operator:
        case ast.Is() | ast.Eq():
            return left == right
        case ast.IsNot() | ast.NotEq():
            return left != right
        case _:
            return UNKNOWN


def attributes(
    body: Iterable[ast.AST], known: Mapping[str, Any], classes: tuple[ast.ClassDef, ...]
) -> dict[str, Any]:
    """Return what a constructor alone assigns to ``self``, once, as ``{"self.name": value}``.

    :param body: the constructor's statements
    :param classes: the class and its ancestors, whose other methods may assign too
    """
    times = _times_assigned(classes)
    values: dict[str, Any] = {}
    for node in reached(body, known):
        if isinstance(node, ast.Assign):
            value = value_of(node.value, {**known, **values})
            values |= dict.fromkeys(_assigned([node]), value)
    return {
        name: value for name, value in values.items() if value is not UNKNOWN and times[name] == 1
    }


@lru_cache(maxsize=256)
def _times_assigned(classes: tuple[ast.ClassDef, ...]) -> Counter[str]:
    return Counter(name for node in classes for name in _assigned(ast.walk(node)))


def _assigned(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the attributes of ``self`` that statements assign."""
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            for part in ast.walk(target):
                if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                    yield f"{part.value.id}.{part.attr}"
