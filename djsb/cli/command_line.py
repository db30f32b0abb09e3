"""The command as the user could type it again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from djsb_core.masking import Masker


def command_line(ctx: click.Context, masker: Masker) -> str:
    """Return the command with its arguments and the options that were given, for a shell.

    :param masker: of the secrets that an option may hold: what is shown may be kept in a log
    """
    from djsb.runner.facts import without_secret_options

    words = [
        "djsb",
        *(["--debug"] if ctx.find_root().params.get("debug") else []),
        ctx.command.name or "",
    ]
    arguments: list[str] = []
    options: list[str] = []
    for parameter in ctx.command.params:
        name, value = parameter.name or "", ctx.params.get(parameter.name or "")
        if isinstance(parameter, click.Argument):
            arguments += [] if value is None else [str(value)]
        elif ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            options += _option(parameter.opts[-1], value)
    if any(argument.startswith("-") for argument in arguments):
        words += [*options, "--", *arguments]
    else:
        words += [*arguments, *options]
    shown = without_secret_options(words)
    return shlex.join(masker.text(word) for word in shown)


def _option(name: str, value: object) -> list[str]:
    """Return the words that give an option its value."""
    if isinstance(value, bool):
        return [name] if value else []
    values = value if isinstance(value, tuple) else (value,)
    return [word for item in values for word in (name, str(item))]
