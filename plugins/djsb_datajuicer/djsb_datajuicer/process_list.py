"""The operators of a recipe: names and arguments, checked against Data-Juicer's sources."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from djsb_datajuicer.operators import Operator, operator_of
from djsb_datajuicer.sources import operator_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
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
        problems += _problems(position, name, arguments, custom)
        steps.append({name: arguments})
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


def _problems(
    position: int, name: str, arguments: Mapping[str, Any], custom: Mapping[str, Path]
) -> Iterator[InitErrorDetails]:
    operator = operator_of(name, custom)
    if operator is None:
        text = f"unknown operator '{name}'; {nearest(name, {*operator_files(), *custom})}"
        yield problem((position, name), "operator", text, name)
        return
    for argument, value in arguments.items():
        message = _argument_problem(operator, argument, value)
        if message:
            yield problem((position, name, argument), "argument", message, value)


def _argument_problem(operator: Operator, argument: str, value: object) -> str | None:
    parameters = operator.parameters
    if not parameters:
        return None
    if argument not in parameters:
        return f"{operator.name} has no argument '{argument}'; {nearest(argument, parameters)}"
    # Data-Juicer treats null as "the default" everywhere.
    return None if value is None else wrong_type(parameters[argument].hint, value)


def wrong_type(hint: Any, value: object) -> str | None:  # noqa: ANN401 (a type or a typing form)
    """Explain why a value does not match a type; ``None`` if it does."""
    try:
        TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        message = " or ".join(
            dict.fromkeys(details["msg"] for details in error.errors(include_url=False))
        )
        return f"{message}, not {value!r}"
    return None
