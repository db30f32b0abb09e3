"""``djsb report``: one run as an HTML file to share."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", required=False)
@click.argument("where", required=False)
@click.option(
    "work_dir",
    "-w",
    "--work-dir",
    metavar="WHERE",
    type=click.Path(path_type=Path),
    help="WHERE, as an option.",
)
@click.option("--against", metavar="RUN", help="Another run to compare with.")
@click.option("--note", metavar="TEXT", default="", help="Your words, beside the verdict.")
@click.option(
    "-o",
    "output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file.  [default: report.html in the run's folder]",
)
@click.option(
    "reporter",
    "--as",
    metavar="FORMAT",
    default="html",
    show_default=True,
    help="Format of the report; plugins may add others.",
)
@click.option(
    "--with-inputs",
    is_flag=True,
    help="Also read the datasets that the run's jobs read, if they are your own files: "
    "for the samples that a recipe dropped.",
)
def report(  # noqa: PLR0913 (one argument per option)
    run: str | None,
    where: str | None,
    *,
    work_dir: Path | None,
    against: str | None,
    note: str,
    output: Path | None,
    reporter: str,
    with_inputs: bool,
) -> None:
    """Write the report of a run as one self-contained HTML file.

    RUN is an id, or `last` (the default); WHERE is an experiment file or a work_dir (default:
    ./sandbox.yaml). The file works offline, so it can be shared as is. Only files of the work_dir
    are read.
    """
    from djsb.records import open_store, select_run, split_place, write_report

    names, place = split_place((run, where), work_dir, most=1)
    store = open_store(place, with_inputs=with_inputs)
    record = select_run(store, names[0] if names else "last")
    other = select_run(store, against) if against else None
    path = write_report(store, record, against=other, note=note, path=output, reporter=reporter)
    click.echo(path)
