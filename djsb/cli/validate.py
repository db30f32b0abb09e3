"""``djsb validate``: check an experiment without running it."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("experiment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("overrides", "--set", metavar="KEY=VALUE", multiple=True, help="Override a value.")
def validate(experiment: Path, overrides: tuple[str, ...]) -> None:
    """Report every mistake in EXPERIMENT: file, line, what is wrong, what would be right.

    Whether all is there that its jobs need is said by: djsb doctor EXPERIMENT
    """
    from djsb.config.reader import read_experiment
    from djsb.planner.plan import plan

    planned = plan(read_experiment(experiment, overrides))
    count = len(planned.jobs)
    click.echo(f"{experiment}: valid, {count} job{'s' if count != 1 else ''}")
    for note in planned.notes:
        click.echo(f"note: {note}")
