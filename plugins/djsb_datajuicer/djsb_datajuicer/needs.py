"""Finds the packages that an operator loads, in its source.

Data-Juicer wraps optional packages in a ``LazyLoader`` and would install them at their first use.
The uses are in the operators' sources. Code that certainly runs, given the operators' arguments,
makes a package required; code that runs only for some rows is a warning, so that a recipe is never
rejected because of a package that it does not need.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from djsb_datajuicer.operators import BASE_FILE, Definition, Operator
from djsb_datajuicer.reached import UNKNOWN, attributes, reached, value_of
from djsb_datajuicer.sources import module_file, package_folder, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


LOADER = "LazyLoader"
MODELS_FILE = "utils/model_utils.py"
PREPARES_MODEL = "prepare_model"
MODELS_TABLE = "MODEL_FUNCTION_MAPPING"
#: Data-Juicer's names of packages whose module has a different name.
PACKAGES = {
    "cv2": "opencv-contrib-python",
    "PIL": "Pillow",
    "bs4": "beautifulsoup4",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    "git": "gitpython",
}

Modules = set[tuple[str, str]]
"""Modules, each with the name of its package."""


def needs(operator: Operator, arguments: Mapping[str, Any], *, possibly: bool = False) -> Modules:
    """Return the modules that an operator uses, each with the name of its package.

    :param possibly: include those used only under conditions that its arguments do not determine
    """
    return set(_needs(operator, _Arguments(arguments), possibly=possibly))


class _Arguments:
    """The arguments of an operator, hashable; equal if they are written the same."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.text = repr(values)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Arguments) and self.text == other.text


@lru_cache(maxsize=1024)
def _needs(operator: Operator, arguments: _Arguments, *, possibly: bool) -> Modules:
    known = values_of(operator, arguments.values)
    modules: Modules = set()
    for definition in operator.lineage:
        if definition.path.name != BASE_FILE:
            modules |= _needs_of(operator, definition, known, possibly=possibly)
    return modules


def values_of(operator: Operator, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an operator's arguments: the recipe's, else the defaults."""
    known = {
        name: parameter.default
        for name, parameter in operator.parameters.items()
        if parameter.is_literal
    }
    return known | {key: value for key, value in arguments.items() if value is not None}


def prepared_models(
    operator: Operator, arguments: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the models that an operator certainly prepares: kind, and the known settings."""
    return [
        (str(settings["model_type"]), settings)
        for settings in calls(operator, arguments, PREPARES_MODEL)
        if "model_type" in settings
    ]


def calls(operator: Operator, arguments: Mapping[str, Any], function: str) -> list[dict[str, Any]]:
    """Return the known settings of each call of a function that a constructor certainly makes."""
    return _calls(operator, _Arguments(arguments), function)


@lru_cache(maxsize=1024)
def _calls(operator: Operator, arguments: _Arguments, function: str) -> list[dict[str, Any]]:
    settings = []
    for definition in operator.lineage:
        body = _constructor(definition)
        known = values_of(operator, arguments.values)
        known |= attributes(body, known, _classes(operator))
        for node in reached(body, known):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name == function:
                settings.append(_settings(node, known))
    return settings


def _settings(call: ast.Call, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a call that are known, mappings among them unpacked."""
    settings: dict[str, Any] = {}
    if call.args and (first := value_of(call.args[0], known)) is not UNKNOWN:
        settings["model_type"] = first
    for keyword in call.keywords:
        value = value_of(keyword.value, known)
        if keyword.arg is None and isinstance(value, dict):
            settings |= value
        elif keyword.arg is not None and value is not UNKNOWN:
            settings[keyword.arg] = value
    return settings


def _constructor(definition: Definition) -> list[ast.stmt]:
    return [
        statement
        for method in definition.node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for statement in method.body
        if definition.path.name != BASE_FILE
    ]


def _classes(operator: Operator) -> tuple[ast.ClassDef, ...]:
    return tuple(definition.node for definition in operator.lineage)


def _needs_of(
    operator: Operator, definition: Definition, known: Mapping[str, Any], *, possibly: bool
) -> Modules:
    modules: Modules = set()
    own = attributes(_constructor(definition), known, _classes(operator))
    for method in definition.node.body:
        if isinstance(method, ast.FunctionDef):
            # Only in the constructor do argument names refer to the recipe's values.
            values = {**known, **own} if method.name == "__init__" else own
            modules |= _needs_of_body(definition.path, method.body, values, possibly=possibly)
    return modules


def _needs_of_body(
    path: Path,
    body: Sequence[ast.AST],
    known: Mapping[str, Any],
    seen: frozenset[tuple[Path, str]] = frozenset(),
    *,
    possibly: bool = False,
) -> Modules:
    """Return what a function uses, including Data-Juicer's functions that it calls.

    :param seen: functions already visited, so that recursion ends
    """
    loaders = _loaders(path)
    nested = (node for statement in body for node in ast.walk(statement))
    own = {node.name: node for node in nested if isinstance(node, ast.FunctionDef)}
    modules: Modules = set()
    for node in reached(body, known, possibly=possibly):
        if isinstance(node, ast.Call):
            modules |= _called(node)
        name = _function_of(node, possibly=possibly)
        if isinstance(node, ast.Name) and node.id in loaders:
            modules.add(loaders[node.id])
        elif name in own and (path, name) not in seen:
            inner = frozenset({*seen, (path, name)})
            modules |= _needs_of_body(path, own[name].body, {}, inner, possibly=possibly)
        elif name and (place := _find_function(path, name)) and place not in seen:
            modules |= _needs_of_function(*place, seen, possibly=possibly)
    return modules


def _function_of(node: ast.AST, *, possibly: bool) -> str:
    """Return the name of the function that a node calls, or possibly hands on to be called."""
    called = node.func if isinstance(node, ast.Call) else node if possibly else None
    return called.id if isinstance(called, ast.Name) else ""


def _needs_of_function(
    path: Path, name: str, seen: frozenset[tuple[Path, str]], *, possibly: bool
) -> Modules:
    if not seen:
        return set(_needs_of_helper(path, name, possibly=possibly))
    body = _functions(path)[name].body
    inner = frozenset({*seen, (path, name)})
    return _needs_of_body(path, body, _empty_names(path), inner, possibly=possibly)


@lru_cache(maxsize=1024)
def _needs_of_helper(path: Path, name: str, *, possibly: bool) -> Modules:
    """Return what a function of Data-Juicer uses that an operator calls directly."""
    body, seen = _functions(path)[name].body, frozenset({(path, name)})
    return _needs_of_body(path, body, _empty_names(path), seen, possibly=possibly)


@lru_cache(maxsize=1024)
def _find_function(path: Path, name: str) -> tuple[Path, str] | None:
    """Find file and name of a function by its name in a module, following imports."""
    if name in _functions(path):
        return path, name
    source = _imported(path).get(name)
    return None if source is None else _find_function(*source)


@lru_cache(maxsize=256)
def _imported(path: Path) -> Mapping[str, tuple[Path, str]]:
    """Return file and name of what a module imports from Data-Juicer, by its name there."""
    return {
        alias.asname or alias.name: (source, alias.name)
        for node in parse(path).body
        if isinstance(node, ast.ImportFrom)
        if (source := module_file(node.module or "", node.level, path)) is not None
        for alias in node.names
    }


@lru_cache(maxsize=256)
def _empty_names(path: Path) -> Mapping[str, None]:
    """Return the module's variables that are ``None`` until a function first fills them."""
    return {
        target.id: None
        for node in parse(path).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and node.value.value is None
    }


def _called(call: ast.Call) -> set[tuple[str, str]]:
    """Return the packages that a call checks for, or that the model it prepares needs."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "check_packages":
        items = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
        wanted = [str(item.value) for item in items if isinstance(item, ast.Constant)]
        names = {_name_of(text) for text in wanted if "@" not in text and "+" not in text}
        return {(name.replace("-", "_"), name) for name in names}
    kind = _prepared(call)
    return set(_needs_of_model(kind)) if kind is not None else set()


def _prepared(call: ast.Call) -> str | None:
    """Return the kind of model that a call prepares, if any."""
    if isinstance(call.func, ast.Name) and call.func.id == "prepare_model":
        kinds = [
            keyword.value for keyword in call.keywords if keyword.arg == "model_type"
        ] or call.args[:1]
        if kinds and isinstance(kinds[0], ast.Constant):
            return str(kinds[0].value)
    return None


def _name_of(requirement: str) -> str:
    for sign in "=<>[ ":
        requirement = requirement.partition(sign)[0]
    return requirement


@lru_cache(maxsize=256)
def _loaders(path: Path) -> Mapping[str, tuple[str, str]]:
    """Return the module and package that each lazy loader in a file loads, by its name."""
    loaders = {}
    for node in ast.walk(parse(path)):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        call = node.value
        if isinstance(call.func, ast.Name) and call.func.id == LOADER and call.args:
            words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
            optional = any(argument.arg == "auto_install" for argument in call.keywords)
            if words and not optional and isinstance(node.targets[0], ast.Name):
                module = str(words[0])
                top = module.partition(".")[0]
                package = str(words[1]) if len(words) > 1 else PACKAGES.get(top, top)
                loaders[node.targets[0].id] = (module, package)
    return loaders


@lru_cache(maxsize=64)
def _needs_of_model(model_type: str) -> frozenset[tuple[str, str]]:
    """Return what preparing a kind of model, such as ``fasttext``, certainly uses."""
    path = package_folder() / MODELS_FILE
    prepare = _functions(path).get(_model_functions(path).get(model_type, ""))
    return frozenset(_needs_of_body(path, prepare.body, {}) if prepare else ())


@lru_cache(maxsize=256)
def _functions(path: Path) -> Mapping[str, ast.FunctionDef]:
    return {node.name: node for node in parse(path).body if isinstance(node, ast.FunctionDef)}


@lru_cache(maxsize=1)
def _model_functions(path: Path) -> Mapping[str, str]:
    for node in parse(path).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if MODELS_TABLE in names:
                pairs = zip(node.value.keys, node.value.values, strict=True)
                return {
                    str(key.value): value.id
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Name)
                }
    return {}
