"""Checks of the packages that a recipe needs: what is missing, as one line for pip."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from typing import TYPE_CHECKING

from djsb_core.api import CheckKind, DoctorCheck, check_command
from djsb_datajuicer import simhash
from djsb_datajuicer.needs import Modules, needs
from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.sources import custom_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from djsb_datajuicer.recipe import RecipeConfig

INSTEAD = {"kenlm": "camel-kenlm"}
"""What to install in place of a package that has no wheels: the same module, with wheels."""
RAY = ("ray", "ray")
REQUIREMENT_END = re.compile(r"[=<>~!\[ @;]")
PROGRAMS = {"ffmpeg-python": "ffmpeg", "pyspark": "java"}
"""Programs that packages start, and that pip does not install."""
SHOWN = 3
"""Operators that a check names."""

Place = tuple[str | int, ...]


def package_needs(recipe: RecipeConfig) -> list[DoctorCheck]:
    """List the packages and programs that a recipe uses: what is missing as one ``pip`` line."""
    custom = custom_files(map(str, recipe.custom_operator_paths))
    places: dict[str, Place] = {}
    certain: dict[str, Modules] = {}
    possible: dict[str, Modules] = {}
    for position, (name, arguments) in enumerate(recipe.operators):
        operator = operator_of(name, custom)
        if operator is not None:
            places.setdefault(name, ("process", position, name))
            certain.setdefault(name, set()).update(needs(operator, arguments))
            possible.setdefault(name, set()).update(needs(operator, arguments, possibly=True))
    if recipe.executor_type != "default":
        certain[f"executor_type {recipe.executor_type}"] = {RAY}
    required = set().union(*certain.values())
    optional = {name: modules - required for name, modules in possible.items()}
    programs = {
        PROGRAMS[package]: name
        for name, modules in certain.items()
        for _, package in sorted(modules)
        if package in PROGRAMS
    }
    return [
        *_check(certain, places, "needs packages that are not installed", required=True),
        *_check(optional, places, "needs further packages for some rows", required=False),
        *(check_command(program, name) for program, name in programs.items()),
    ]


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


def _check(
    users: Mapping[str, Modules], places: Mapping[str, Place], absent: str, *, required: bool
) -> Iterator[DoctorCheck]:
    """Yield a check of the packages of all operators together, if there are any.

    :param users: what each operator uses
    :param places: of the operators in the recipe
    :param absent: the finding if one is missing
    """
    lacking = {name: set(_lacking(modules)) for name, modules in users.items()}
    missing = sorted(set().union(*lacking.values()))
    packages = sorted({package for modules in users.values() for _, package in modules})
    if not (missing or (required and packages)):
        return
    names = [name for name, modules in (lacking if missing else users).items() if modules]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    yield DoctorCheck(
        f"process ({', '.join(names[:SHOWN])}{more})",
        location=places.get(names[0], ()) if len(names) == 1 else (),
        ok=not missing,
        finding=absent if missing else f"uses {', '.join(packages)}",
        remedy=f"run: pip install {' '.join(map(shlex.quote, missing))}" if missing else "",
        kind=CheckKind.PACKAGE,
        required=required,
    )


def _lacking(modules: Iterable[tuple[str, str]]) -> Iterator[str]:
    for module, package in modules:
        top = module.partition(".")[0]
        try:
            if find_spec(top) is None and top != simhash.MODULE:
                yield INSTEAD.get(package, package)
        except ValueError:
            # A module that was put into sys.modules by hand has no spec; it is available.
            continue
