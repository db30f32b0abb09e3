"""Finds packages that a recipe's operators need but that are missing, before anything runs.

Data-Juicer wraps optional packages in a ``LazyLoader`` and would install them at their first use.
The uses are in the operators' sources. Only those count that are certain to be reached: code under
a condition counts only if the operator's arguments decide the condition, so a recipe is never
rejected because of a package that it does not need.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from djsb_core.api import CheckKind, DoctorCheck, check_command
from djsb_datajuicer.operators import BASE_FILE, Definition, Operator, operator_of
from djsb_datajuicer.sources import custom_files, package_folder, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from djsb_datajuicer.recipe import RecipeConfig

LOADER = "LazyLoader"
MODELS_FILE = "utils/model_utils.py"
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
RAY = ("ray", "ray")
REQUIREMENT_END = re.compile(r"[=<>~!\[ @;]")
PROGRAMS = {"ffmpeg-python": "ffmpeg", "pyspark": "java"}
"""Programs that packages start, and that pip does not install."""


def package_needs(recipe: RecipeConfig) -> list[DoctorCheck]:
    """List the packages and programs that the operators of a recipe use, one check per operator."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    checks = []
    for position, (name, arguments) in enumerate(recipe.operators):
        operator = operator_of(name, custom)
        modules = needs(operator, arguments) if operator else set()
        if modules:
            check = _check(f"process[{position}].{name}", modules)
            checks.append(replace(check, location=("process", position, name)))
        checks += [
            check_command(PROGRAMS[package], name)
            for package in sorted({package for _, package in modules} & PROGRAMS.keys())
        ]
    if recipe.executor_type != "default":
        checks.append(_check(f"executor_type: {recipe.executor_type}", {RAY}))
    return checks


def packages_of(recipe: RecipeConfig) -> list[str]:
    """List the packages that the operators of a recipe certainly load."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    modules = {
        module
        for name, arguments in recipe.operators
        if (operator := operator_of(name, custom)) is not None
        for module in needs(operator, arguments)
    }
    return sorted({REQUIREMENT_END.split(package)[0] for _, package in modules})


def _check(subject: str, modules: set[tuple[str, str]]) -> DoctorCheck:
    missing = sorted(set(_lacking(modules)))
    finding = f"uses {', '.join(sorted({package for _, package in modules}))}"
    return DoctorCheck(
        subject,
        ok=not missing,
        finding="needs packages that are not installed" if missing else finding,
        remedy=f"run: pip install {' '.join(missing)}" if missing else "",
        kind=CheckKind.PACKAGE,
    )


def needs(operator: Operator, arguments: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the modules that an operator certainly uses, each with the name of its package."""
    defaults = {name: parameter.default for name, parameter in operator.parameters.items()}
    known = {**defaults, **{key: value for key, value in arguments.items() if value is not None}}
    modules: set[tuple[str, str]] = set()
    for definition in operator.lineage:
        if definition.path.name != BASE_FILE:
            modules |= _needs_of(definition, known)
    return modules


def model_types(operator: Operator, arguments: Mapping[str, Any]) -> set[str]:
    """Return the kinds of model that an operator certainly prepares, such as ``fasttext``."""
    known = {name: parameter.default for name, parameter in operator.parameters.items()}
    known |= {key: value for key, value in arguments.items() if value is not None}
    return {
        kind
        for definition in operator.lineage
        if definition.path.name != BASE_FILE
        for method in definition.node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for node in _reached(method.body, known)
        if isinstance(node, ast.Call) and (kind := _prepared(node)) is not None
    }


def _lacking(modules: Iterable[tuple[str, str]]) -> Iterator[str]:
    for module, package in modules:
        try:
            if find_spec(module.partition(".")[0]) is None:
                yield package
        except ValueError:
            # A module that was put into sys.modules by hand has no spec; it is available.
            continue


def _needs_of(definition: Definition, known: Mapping[str, Any]) -> set[tuple[str, str]]:
    modules: set[tuple[str, str]] = set()
    for method in definition.node.body:
        if isinstance(method, ast.FunctionDef):
            # Only in the constructor do argument names refer to the recipe's values.
            values = known if method.name == "__init__" else {}
            modules |= _needs_of_body(definition.path, method.body, values)
    return modules


def _needs_of_body(
    path: Path,
    body: Iterable[ast.AST],
    known: Mapping[str, Any],
    seen: frozenset[str] = frozenset(),
) -> set[tuple[str, str]]:
    """Return what a function certainly uses, including the functions of its file that it calls.

    :param seen: functions already visited, so that recursion ends
    """
    loaders, functions = _loaders(path), _functions(path)
    modules: set[tuple[str, str]] = set()
    for node in _reached(body, known):
        if isinstance(node, ast.Name) and node.id in loaders:
            modules.add(loaders[node.id])
        elif isinstance(node, ast.Call):
            modules |= _called(node)
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in functions and name not in seen:
                modules |= _needs_of_body(path, functions[name].body, {}, seen | {name})
    return modules


def _called(call: ast.Call) -> set[tuple[str, str]]:
    """Return the packages that a call checks for, or that the model it prepares needs."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "check_packages":
        items = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
        names = [str(item.value) for item in items if isinstance(item, ast.Constant)]
        return {(_module_of(name), name) for name in names if "@" not in name and "+" not in name}
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


def _module_of(requirement: str) -> str:
    for sign in "=<>[ ":
        requirement = requirement.partition(sign)[0]
    return requirement.replace("-", "_")


def _reached(body: Iterable[ast.AST], known: Mapping[str, Any]) -> Iterator[ast.AST]:
    """Yield the nodes that are certainly evaluated, given the known arguments."""
    for node in body:
        if isinstance(node, ast.If | ast.IfExp):
            outcome = _outcome(node.test, known)
            branch = node.body if outcome else node.orelse
            if outcome is not None:
                yield from _reached(branch if isinstance(branch, list) else [branch], known)
        elif isinstance(node, ast.BoolOp):
            yield from _reached(node.values[:1], known)
        elif isinstance(node, ast.Try):
            yield from _reached(node.body, known)
        elif not isinstance(node, ast.FunctionDef | ast.Lambda):
            yield node
            yield from _reached(ast.iter_child_nodes(node), known)


def _outcome(test: ast.expr, known: Mapping[str, Any]) -> bool | None:
    """Decide a condition such as ``tokenization`` or ``not tokenization``; ``None`` if unknown."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _outcome(test.operand, known)
        return None if inner is None else not inner
    if isinstance(test, ast.Name) and test.id in known and isinstance(known[test.id], bool):
        return bool(known[test.id])
    return None


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
