"""``djsb validate``: check an experiment without running it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_core.problems import Problem


@click.command()
@click.argument("experiment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("overrides", "--set", metavar="KEY=VALUE", multiple=True, help="Override a value.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON: a list of all problems.")
@click.pass_context
def validate(
    ctx: click.Context, experiment: Path, overrides: tuple[str, ...], *, as_json: bool
) -> None:
    """Report every mistake in EXPERIMENT: file, line, what is wrong and how to fix it.

    To check that everything its jobs need is available: djsb doctor EXPERIMENT

    With --json, each problem has file and line (null if it is not in a file), key, text,
    severity (error, or warning: the experiment can run) and remedy (empty if the text has it).
    Exit status: 0 the experiment can run, 2 it has errors.
    """
    from djsb.config.reader import read_experiment
    from djsb.planner.plan import plan
    from djsb_core.errors import ConfigError
    from djsb_core.text import counted

    try:
        planned = plan(read_experiment(experiment, overrides))
    except ConfigError as error:
        if not as_json:
            raise
        click.echo(_json(error.problems))
        ctx.exit(error.exit_code)
    if as_json:
        click.echo(_json(planned.warnings))
        return
    click.echo(f"{experiment}: valid, {counted(len(planned.jobs), 'job')}")
    for warning in planned.warnings:
        click.echo(f"note: {warning}")


def _json(problems: Sequence[Problem]) -> str:
    return json.dumps([problem.to_json() for problem in problems], indent=2, ensure_ascii=False)
