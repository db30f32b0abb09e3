"""Names the packages that a recipe's operators lack, before anything runs.

Data-Juicer wraps optional packages in a ``LazyLoader`` and would install them at their first use.
The uses stand in the operators' sources. Only those count that are sure to be reached: what stands
under a condition counts if the operator's arguments decide the condition, and otherwise not, so
that a recipe is never refused for a package that it does not need.
"""

from __future__ import annotations

import ast
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
#: Data-Juicer's own names of packages whose module is called otherwise.
PACKAGES = {
    "cv2": "opencv-contrib-python",
    "PIL": "Pillow",
    "bs4": "beautifulsoup4",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
    "git": "gitpython",
}
RAY = ("ray", "ray")
PROGRAMS = {"ffmpeg-python": "ffmpeg", "pyspark": "java"}
"""What pip does not install: the program that a package starts."""


def package_needs(recipe: RecipeConfig) -> list[DoctorCheck]:
    """List the packages and programs that the operators of a recipe use, those of each together."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    checks = []
    for position, (name, arguments) in enumerate(recipe.operators):
        operator = operator_of(name, custom)
        wanted = needs(operator, arguments) if operator else set()
        if wanted:
            checks.append(_check(f"process[{position}].{name}", wanted))
        checks += [
            check_command(PROGRAMS[package], name)
            for package in sorted({package for _, package in wanted} & PROGRAMS.keys())
        ]
    if recipe.executor_type != "default":
        checks.append(_check(f"executor_type: {recipe.executor_type}", {RAY}))
    return checks


def _check(subject: str, wanted: set[tuple[str, str]]) -> DoctorCheck:
    lacking = sorted(set(_lacking(wanted)))
    there = f"uses {', '.join(sorted({package for _, package in wanted}))}"
    return DoctorCheck(
        subject,
        ok=not lacking,
        finding="needs packages that are not installed" if lacking else there,
        remedy=f"run: pip install {' '.join(lacking)}" if lacking else "",
        kind=CheckKind.PACKAGE,
    )


def needs(operator: Operator, arguments: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return the modules that an operator is sure to use, each with its package's name."""
    defaults = {name: one.default for name, one in operator.parameters.items()}
    known = {**defaults, **{key: value for key, value in arguments.items() if value is not None}}
    found: set[tuple[str, str]] = set()
    for definition in operator.lineage:
        if definition.path.name != BASE_FILE:
            found |= _needs_of(definition, known)
    return found


def model_types(operator: Operator, arguments: Mapping[str, Any]) -> set[str]:
    """Return the kinds of model that an operator is sure to prepare, such as ``fasttext``."""
    known = {name: one.default for name, one in operator.parameters.items()}
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


def _lacking(wanted: Iterable[tuple[str, str]]) -> Iterator[str]:
    for module, package in wanted:
        try:
            if find_spec(module.partition(".")[0]) is None:
                yield package
        except ValueError:
            # A module that was put in place by hand has no spec; it is there.
            continue


def _needs_of(definition: Definition, known: Mapping[str, Any]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for method in definition.node.body:
        if isinstance(method, ast.FunctionDef):
            # Only in the constructor do names of arguments mean the recipe's values.
            values = known if method.name == "__init__" else {}
            found |= _needs_of_body(definition.path, method.body, values)
    return found


def _needs_of_body(
    path: Path,
    body: Iterable[ast.AST],
    known: Mapping[str, Any],
    seen: frozenset[str] = frozenset(),
) -> set[tuple[str, str]]:
    """Return what a function's body is sure to use, with the functions of its file that it calls.

    :param seen: functions that are being looked at, so that recursion ends
    """
    loaders, functions = _loaders(path), _functions(path)
    found: set[tuple[str, str]] = set()
    for node in _reached(body, known):
        if isinstance(node, ast.Name) and node.id in loaders:
            found.add(loaders[node.id])
        elif isinstance(node, ast.Call):
            found |= _called(node)
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            if name in functions and name not in seen:
                found |= _needs_of_body(path, functions[name].body, {}, seen | {name})
    return found


def _called(call: ast.Call) -> set[tuple[str, str]]:
    """Return what a call asks for: packages to be there, or a model to be prepared."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "check_packages":
        listed = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
        names = [str(one.value) for one in listed if isinstance(one, ast.Constant)]
        return {(_module_of(name), name) for name in names if "@" not in name and "+" not in name}
    kind = _prepared(call)
    return set(_needs_of_model(kind)) if kind is not None else set()


def _prepared(call: ast.Call) -> str | None:
    """Return the kind of model that a call prepares, if it does."""
    if isinstance(call.func, ast.Name) and call.func.id == "prepare_model":
        given = [one.value for one in call.keywords if one.arg == "model_type"] or call.args[:1]
        if given and isinstance(given[0], ast.Constant):
            return str(given[0].value)
    return None


def _module_of(requirement: str) -> str:
    for sign in "=<>[ ":
        requirement = requirement.partition(sign)[0]
    return requirement.replace("-", "_")


def _reached(body: Iterable[ast.AST], known: Mapping[str, Any]) -> Iterator[ast.AST]:
    """Yield the nodes that are evaluated whatever happens, given what is known."""
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
    """Return what each name in a file loads: the module and its package."""
    found = {}
    for node in ast.walk(parse(path)):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        call = node.value
        if isinstance(call.func, ast.Name) and call.func.id == LOADER and call.args:
            words = [one.value for one in call.args if isinstance(one, ast.Constant)]
            optional = any(one.arg == "auto_install" for one in call.keywords)
            if words and not optional and isinstance(node.targets[0], ast.Name):
                module = str(words[0])
                top = module.partition(".")[0]
                package = str(words[1]) if len(words) > 1 else PACKAGES.get(top, top)
                found[node.targets[0].id] = (module, package)
    return found


@lru_cache(maxsize=64)
def _needs_of_model(model_type: str) -> frozenset[tuple[str, str]]:
    """Return what preparing a kind of model is sure to use, such as ``fasttext``."""
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
            names = {one.id for one in node.targets if isinstance(one, ast.Name)}
            if MODELS_TABLE in names:
                pairs = zip(node.value.keys, node.value.values, strict=True)
                return {
                    str(key.value): value.id
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and isinstance(value, ast.Name)
                }
    return {}
