"""The summary of a class or function, read from its module's source without importing it."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path


def read_definition(target: str) -> tuple[str, bool | None, str]:
    """Find a class or function in its module's source.

    :param target: as in an entry point: ``module:Class``
    :return: its summary; ``False`` if its module is missing or cannot be parsed, else ``None``;
        and the reason
    """
    module, _, name = target.partition(":")
    path = _source_of(module)
    if path is None:
        return "", False, f"no module {module}"
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        return "", False, f"{type(error).__name__}: {error}"
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return (ast.get_docstring(node) or "").split("\n", 1)[0], None, ""
    return "", None, ""


def _source_of(module: str) -> Path | None:
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)  # imports nothing: the name has no parent
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin else None
    for folder in spec.submodule_search_locations or ():
        for path in (Path(folder, *rest).with_suffix(".py"), Path(folder, *rest, "__init__.py")):
            if path.is_file():
                return path
    return None
