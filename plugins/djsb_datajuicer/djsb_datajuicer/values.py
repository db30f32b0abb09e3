"""Values of a recipe's settings, converted as Data-Juicer's own parser converts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator


class WrongTypeError(ValueError):
    """A value does not match a type; the message says why."""


def converted(hint: Any, value: object) -> object:  # noqa: ANN401 (a type or a typing form)
    """Return a value as its operator receives it: unchanged if it matches the type.

    Data-Juicer's parser (jsonargparse) reads text as YAML where another type is wanted, so that
    ``"2e5"`` is a number. A number where text is wanted becomes that text: ``dj-process`` hands it
    to the operator, which writes it as text.

    :raises WrongTypeError: if it does not match, converted or not
    """
    adapter = TypeAdapter(hint)
    try:
        result: object = adapter.validate_python(value)
    except ValidationError as error:
        for other in _readings(value):
            if other is None:  # the default, as everywhere in Data-Juicer
                return None
            try:
                return adapter.validate_python(other)
            except ValidationError:
                continue
        problems = error.errors(include_url=False)
        message = " or ".join(dict.fromkeys(details["msg"] for details in problems))
        raise WrongTypeError(f"{message}, not {value!r}") from None
    # Equal values stay as they are written: 2.0 for an integer, a list for a tuple.
    return value if _plain(result) == value else result


def _plain(value: object) -> object:
    """Return a value with lists in place of tuples."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _readings(value: object) -> Iterator[object]:
    """Yield what else a value can mean."""
    if isinstance(value, str):
        import jsonargparse

        try:
            read = jsonargparse.get_loader("yaml")(value)
        except Exception:  # noqa: BLE001 (text that is no YAML: a loader's own kind of error)
            return
        if read != value:
            yield read
    else:
        yield _as_text(value)


def _as_text(value: object) -> object:
    """Return a value with its numbers as text."""
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value
