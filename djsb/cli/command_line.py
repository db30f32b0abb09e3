"""The command as the user could type it again."""

from __future__ import annotations

import shlex

import click
from click.core import ParameterSource


def command_line(ctx: click.Context) -> str:
    """Return the command with its arguments and the options that were given, for a shell."""
    words = [
        "djsb",
        *(["--debug"] if ctx.find_root().params.get("debug") else []),
        ctx.command.name,
    ]
    options: list[str] = []
    for parameter in ctx.command.params:
        name, value = parameter.name or "", ctx.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            options += _option(parameter.opts[-1], value)
    return shlex.join([*filter(None, words), *options])


def _option(name: str, value: object) -> list[str]:
    """Return the words that give an option its value."""
    if isinstance(value, bool):
        return [name] if value else []
    values = value if isinstance(value, tuple) else (value,)
    return [word for item in values for word in (name, str(item))]
