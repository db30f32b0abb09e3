"""Data-Juicer's source files, parsed without importing them.

Importing Data-Juicer takes seconds and registers all operators. The valid keys, operators and
arguments of a recipe can be read from the sources, and parsing the few files needed takes
milliseconds.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.api import ComponentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PLUGIN_GROUP = "data_juicer.ops"
REGISTRATION = re.compile(r"^@OPERATORS\.register_module\((?P<name>[^)]*)\)", re.MULTILINE)
CONSTANT = re.compile(
    r"^(?P<constant>\w+) = (?P<quote>['\"])(?P<value>\w+)(?P=quote)", re.MULTILINE
)


@lru_cache(maxsize=1)
def package_folder() -> Path:
    """Return the folder of the installed ``data_juicer`` package.

    :raises ComponentError: if it is not installed
    """
    spec = find_spec("data_juicer")
    if spec is None or not spec.submodule_search_locations:
        raise ComponentError("Data-Juicer is not installed; run: pip install py-data-juicer")
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=256)
def parse(path: Path) -> ast.Module:
    """Parse one source file."""
    return ast.parse(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def operator_files() -> Mapping[str, Path]:
    """Return the source file of each installed operator, by operator name."""
    files = dict(scan(sorted((package_folder() / "ops").rglob("*.py"))))
    for point in entry_points(group=PLUGIN_GROUP):
        files.update(scan(_files_of_module(point.module)))
    return files


def scan(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Yield the operators that source files register, each with its file."""
    for path in paths:
        text = path.read_text(encoding="utf-8")
        if "OPERATORS.register_module(" not in text:
            continue
        constants = {match["constant"]: match["value"] for match in CONSTANT.finditer(text)}
        for match in REGISTRATION.finditer(text):
            yield _name_of(match["name"], constants), path


def custom_files(paths: Iterable[str]) -> Mapping[str, Path]:
    """Return the operators in a recipe's ``custom_operator_paths`` (files or packages)."""
    files: dict[str, Path] = {}
    for path in map(Path, paths):
        files.update(scan(sorted(path.rglob("*.py")) if path.is_dir() else [path]))
    return files


def module_file(module: str, level: int, importer: Path) -> Path | None:
    """Return the source file of a module imported inside Data-Juicer.

    :param module: dotted name after ``from``
    :param level: number of leading dots
    :param importer: the file that contains the import
    """
    parts = [part for part in module.split(".") if part]
    if level:
        base = importer.parents[level - 1]
    elif parts and parts[0] == "data_juicer":
        base, parts = package_folder(), parts[1:]
    else:
        return None
    target = base.joinpath(*parts)
    candidates = (target.with_suffix(".py"), target / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def _name_of(argument: str, constants: Mapping[str, str]) -> str:
    """Resolve the argument of ``register_module(...)``: a literal, a constant or an f-string."""
    if argument.startswith("f"):
        return re.sub(r"\{(\w+)\}", lambda match: constants[match[1]], argument[2:-1])
    return constants.get(argument, argument.strip("'\""))


def _files_of_module(module: str) -> list[Path]:
    """List the files of a Data-Juicer plugin; none if it cannot be found."""
    try:
        spec = find_spec(module)
    except ImportError:
        return []
    if spec is None:
        return []
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if folders:
        return [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    return [Path(spec.origin)] if spec.origin else []
