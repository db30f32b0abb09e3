"""``djsb export``: a run as one file."""

from __future__ import annotations

from pathlib import Path

import click

from djsb.cli.places import open_place, place_option, split_place


@click.command()
@click.argument("run", required=False)
@click.argument("where", required=False)
@place_option
@click.option(
    "-o",
    "output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file.  [default: RUN.zip here]",
)
@click.option("--with-data", is_flag=True, help="Include inputs of any size, not only up to 1 MiB.")
def export(
    run: str | None,
    where: str | None,
    *,
    work_dir: Path | None,
    output: Path | None,
    with_data: bool,
) -> None:
    """Write a RUN as one file with which others can repeat it: djsb reproduce.

    It holds the experiment with the files that it names, small inputs, digests of the others, the
    versions of all packages, and every value that was measured. Secrets are left out. RUN is an
    id, or `last` (default); WHERE is an experiment file or a work_dir (default: ./sandbox.yaml).
    """
    from djsb.bundle.export import export_run
    from djsb.bundle.text import export_text
    from djsb.query.locate import open_store
    from djsb.query.select import select_run

    names, place = split_place((run, where), work_dir, most=1)
    store = open_place(open_store, place, names)
    record = select_run(store, names[0] if names else "last")
    path = output or Path(f"{record.id}.zip")
    click.echo(export_text(export_run(store, record, path, with_data=with_data)))
