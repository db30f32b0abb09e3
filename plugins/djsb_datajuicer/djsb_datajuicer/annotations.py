"""Convert type annotations in Data-Juicer's sources to types that pydantic checks.

Plain leaves are strict, like those of Data-Juicer's own parser: a string is not a number and 1 is
not a boolean; :mod:`djsb_datajuicer.values` converts what that parser converts. An integer is
accepted as a float, and 2.0 as an integer. Numbers with bounds are pydantic's in Data-Juicer too,
so pydantic converts them here. What the source does not determine is ``Any``.
"""

from __future__ import annotations

import ast
import operator
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator, Strict

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A type for pydantic: a class or a typing construct; Python has no narrower type for both.
Hint: TypeAlias = Any


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Int = Annotated[int, Strict(), BeforeValidator(_whole)]
Float = Annotated[float, Strict()]

NAMES: Mapping[str, Hint] = {
    "str": Annotated[str, Strict()],
    "bool": Annotated[bool, Strict()],
    "int": Int,
    "float": Float,
    "list": list,
    "dict": dict,
    "tuple": tuple,
    "set": set,
    "List": list,
    "Dict": dict,
    "Tuple": tuple,
    "Set": set,
    "Sequence": list,
    "PositiveInt": Annotated[int, Gt(0)],
    "NonNegativeInt": Annotated[int, Ge(0)],
    "PositiveFloat": Annotated[float, Gt(0)],
    "NonNegativeFloat": Annotated[float, Ge(0)],
    "ClosedUnitInterval": Annotated[Float, Ge(0), Le(1)],
    "OpenUnitInterval": Annotated[Float, Gt(0), Lt(1)],
}
BOUNDED: Mapping[str, Hint] = {"int": int, "float": float}
BOUNDS = {"ge": Ge, "gt": Gt, "le": Le, "lt": Lt}
CONTAINERS = {"List": list, "list": list, "Sequence": list, "Set": set, "set": set}
MAPPINGS = {"Dict": dict, "dict": dict}
TUPLES = {"Tuple", "tuple"}


def hint_of(  # noqa: PLR0911 (one line per form of annotation)
    node: ast.expr | None, aliases: Mapping[str, ast.expr]
) -> Hint:
    """Return the type that an annotation denotes.

    :param node: the annotation; ``None`` if there is none
    :param aliases: the module's type aliases, such as ``from_2_to_20``
    """
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str() as text):
            return hint_of(_parse(text), aliases)
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.Name(id=name) if name in aliases:
            return hint_of(aliases[name], {key: aliases[key] for key in aliases if key != name})
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right], aliases)
        case ast.Subscript(value=ast.Name(id=name), slice=inner):
            return _subscript(name, inner, aliases)
        case _:
            return Any


def _subscript(  # noqa: PLR0911 (one line per form of annotation)
    name: str, inner: ast.expr, aliases: Mapping[str, ast.expr]
) -> Hint:
    items = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Optional":
        return _union([inner, ast.Constant(None)], aliases)
    if name == "Union":
        return _union(items, aliases)
    if name == "Literal":
        return Literal[tuple(ast.literal_eval(item) for item in items)]
    if name == "Annotated":
        return _annotated(items, aliases)
    if name in CONTAINERS:
        return CONTAINERS[name][hint_of(items[0], aliases)]  # type: ignore[index]
    if name in MAPPINGS and len(items) == len(("key", "value")):
        return dict[hint_of(items[0], aliases), hint_of(items[1], aliases)]  # type: ignore[misc]
    if name in TUPLES:
        return _tuple(items, aliases)
    return Any


def _tuple(items: list[ast.expr], aliases: Mapping[str, ast.expr]) -> Hint:
    hints = tuple(
        ... if isinstance(item, ast.Constant) and item.value is ... else hint_of(item, aliases)
        for item in items
    )
    return tuple[hints]  # type: ignore[valid-type]


def _union(items: list[ast.expr], aliases: Mapping[str, ast.expr]) -> Hint:
    hints = [hint_of(item, aliases) for item in items]
    if any(hint is Any for hint in hints):
        return Any
    return reduce(operator.or_, (hint if hint is not None else type(None) for hint in hints))


def _annotated(items: list[ast.expr], aliases: Mapping[str, ast.expr]) -> Hint:
    """Convert ``Annotated[int, Field(ge=2, le=20)]``; other metadata is ignored."""
    hint = hint_of(items[0], aliases)
    hint = BOUNDED.get(getattr(items[0], "id", ""), hint)
    for item in items[1:]:
        if isinstance(item, ast.Call) and getattr(item.func, "id", "") == "Field":
            for keyword in item.keywords:
                if keyword.arg in BOUNDS:
                    bound = BOUNDS[keyword.arg](ast.literal_eval(keyword.value))
                    hint = Annotated[hint, bound]
    return hint


def _parse(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
