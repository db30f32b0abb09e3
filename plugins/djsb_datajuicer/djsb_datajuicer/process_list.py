"""The operators of a recipe: names and arguments, checked against Data-Juicer's sources."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from djsb_datajuicer.operators import Operator, operator_of
from djsb_datajuicer.sources import operator_files
from djsb_datajuicer.values import WrongTypeError, converted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def checked(entries: object, custom: Mapping[str, Path]) -> list[dict[str, dict[str, Any]]]:
    """Return a recipe's operators, each as ``{operator: arguments}``.

    :param entries: the recipe's ``process`` list
    :param custom: the recipe's custom operators, with their files
    :raises ValidationError: with the location of each invalid entry
    """
    if not isinstance(entries, list | tuple):
        raise PydanticCustomError("process", "process must be a list of operators")
    problems: list[InitErrorDetails] = []
    steps: list[dict[str, dict[str, Any]]] = []
    for position, entry in enumerate(entries):
        step = _step_of(entry)
        if step is None:
            text = "must be an operator, or one operator with its arguments"
            problems.append(problem((position,), "process", text, entry))
            continue
        name, arguments = step
        values, wrong = _check((position,), name, arguments, custom)
        problems += wrong
        steps.append({name: values})
    if problems:
        raise ValidationError.from_exception_data("process", problems)
    return steps


def problem(place: tuple[int | str, ...], kind: str, text: str, value: object) -> InitErrorDetails:
    """Build a validation error at a location below the value being validated."""
    error = PydanticCustomError("djsb_" + kind, "{text}", {"text": text})
    return InitErrorDetails(type=error, loc=place, input=value)


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest known word, or list all of them if they are few."""
    words = sorted(known)
    near = get_close_matches(name, words, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    few = 40
    return f"known: {', '.join(words)}" if len(words) <= few else "no known name is similar"


def _step_of(entry: object) -> tuple[str, dict[str, Any]] | None:
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, dict) and len(entry) == 1:
        name, arguments = next(iter(entry.items()))
        if isinstance(name, str) and (arguments is None or isinstance(arguments, dict)):
            return name, dict(arguments or {})
    return None


def _check(
    place: tuple[int | str, ...],
    name: str,
    arguments: Mapping[str, Any],
    custom: Mapping[str, Path],
) -> tuple[dict[str, Any], list[InitErrorDetails]]:
    """Return the arguments of an operator, converted, and what is wrong with them."""
    operator = operator_of(name, custom)
    if operator is None:
        text = f"unknown operator '{name}'; {nearest(name, {*operator_files(), *custom})}"
        return {}, [problem((*place, name), "operator", text, name)]
    values: dict[str, Any] = {}
    problems = []
    for argument, value in arguments.items():
        try:
            values[argument] = _value(operator, argument, value)
        except WrongTypeError as error:
            problems.append(problem((*place, name, argument), "argument", str(error), value))
    return values, problems


def _value(operator: Operator, argument: str, value: object) -> object:
    parameters = operator.parameters
    if not parameters:
        return value
    if argument not in parameters:
        known = nearest(argument, parameters)
        raise WrongTypeError(f"{operator.name} has no argument '{argument}'; {known}")
    # Data-Juicer treats null as "the default" everywhere.
    return None if value is None else converted(parameters[argument].hint, value)
