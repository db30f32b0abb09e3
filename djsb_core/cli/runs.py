"""``djsb runs``: what was run in a work_dir."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("where", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
def runs(where: Path | None, *, as_json: bool) -> None:
    """List the runs of WHERE: an experiment file or a work_dir (default: ./sandbox.yaml)."""
    from djsb_core.report.locate import open_store
    from djsb_core.report.runs import runs_table, status_of

    found = open_store(where).runs()
    if as_json:
        keys = ("id", "project_name", "experiment_name", "status", "started", "seconds")
        rows = [
            {**{key: getattr(run, key) for key in keys}, "status": status_of(run)} for run in found
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo(runs_table(found))
