"""``djsb report``: one run as an HTML file to pass on."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", default="last")
@click.argument("where", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--against", metavar="RUN", help="Another run to show beside it: what changed.")
@click.option(
    "-o",
    "output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it.  [default: report.html in the run's folder]",
)
def report(run: str, where: Path | None, against: str | None, output: Path | None) -> None:
    """Write a RUN (an id, or `last`) of WHERE as one HTML file that needs nothing else.

    WHERE is an experiment file or a work_dir (default: ./sandbox.yaml). The file opens without a
    network, so it can be passed on as it is.
    """
    from djsb.query.locate import open_store
    from djsb.query.select import select_run
    from djsb_report.write import write_report

    store = open_store(where)
    found = select_run(store, run)
    other = select_run(store, against) if against else None
    click.echo(write_report(store, found, against=other, path=output))
