"""``djsb init``: write a first experiment that runs as is."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def init(folder: Path) -> None:
    """Write the quickstart experiment, with its data, into FOLDER."""
    from djsb.report.format import shell_path
    from djsb.scaffold import init_experiment

    target = init_experiment(folder)
    click.echo(f"Wrote {target}. Next:")
    for step in (f"cd {shell_path(target)}", "djsb validate sandbox.yaml", "djsb run sandbox.yaml"):
        click.echo(f"  {step}")
