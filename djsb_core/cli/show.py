"""``djsb show``: one run in full."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("run", default="last")
@click.argument("where", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
def show(run: str, where: Path | None, *, as_json: bool) -> None:
    """Show a RUN (an id, or `last`) of WHERE, an experiment file or a work_dir."""
    from djsb_core.report.locate import open_store
    from djsb_core.report.runs import run_json, run_text

    store = open_store(where)
    found = store.run(run)
    if as_json:
        click.echo(json.dumps(run_json(store, found), indent=2, ensure_ascii=False))
    else:
        click.echo(run_text(store, found))
