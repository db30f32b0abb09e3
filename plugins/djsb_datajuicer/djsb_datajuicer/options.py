"""The keys of a recipe other than its operators, read from Data-Juicer's argument parser."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from djsb_datajuicer.annotations import Hint, hint_of
from djsb_datajuicer.sources import package_folder, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PARSER_FILE = "config/config.py"
PARSER_FUNCTION = "build_base_parser"
NOT_IN_RECIPES = {"config", "auto"}


@dataclass(frozen=True)
class Option:
    """One key of a recipe."""

    hint: Hint = Any
    choices: tuple[object, ...] = ()
    help: str = ""
    parts: Mapping[str, Option] = field(default_factory=dict)
    """Its nested keys, for ``partition`` and ``checkpoint``, whose values are mappings."""


@lru_cache(maxsize=1)
def options() -> Mapping[str, Option]:
    """Return every key that Data-Juicer accepts at a recipe's top level."""
    keys: dict[str, Option] = {}
    nested: dict[str, dict[str, Option]] = {}
    for name, option in _arguments():
        head, _, rest = name.partition(".")
        if rest:
            nested.setdefault(head, {})[rest] = option
        elif name not in NOT_IN_RECIPES:
            keys[name] = option
    for name, parts in nested.items():
        keys[name] = Option(hint=dict, help=f"Mapping of: {', '.join(parts)}.", parts=parts)
    return keys


def _arguments() -> Iterator[tuple[str, Option]]:
    """Yield the option of each ``add_argument("--name", ...)`` of the parser."""
    for node in ast.walk(_parser_function()):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "add_argument" and isinstance(node.args[0], ast.Constant):
            name = str(node.args[0].value).removeprefix("--")
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            yield name.replace("-", "_"), _option(keywords)


def _option(keywords: Mapping[str | None, ast.expr]) -> Option:
    hint: Hint = hint_of(keywords.get("type"), {})
    if "nargs" in keywords:
        hint = list
    elif isinstance(keywords.get("action"), ast.Constant):
        hint = hint_of(ast.Name("bool"), {})
    choices = ast.literal_eval(keywords["choices"]) if "choices" in keywords else ()
    words = keywords.get("help")
    text = str(words.value) if isinstance(words, ast.Constant) else ""
    return Option(hint, tuple(choices), text)


def _parser_function() -> ast.FunctionDef:
    module = parse(package_folder() / PARSER_FILE)
    return next(
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name == PARSER_FUNCTION
    )
