"""``djsb compare``: runs, pipelines or jobs beside each other."""

from __future__ import annotations

from pathlib import Path

import click

MOST = 26


@click.command()
@click.argument("sides", metavar="A B…", nargs=-1, required=True)
@click.option(
    "where",
    "-w",
    "--work-dir",
    type=click.Path(exists=True, path_type=Path),
    help="A work_dir or an experiment file.  [default: ./sandbox.yaml]",
)
@click.option("everything", "--all", is_flag=True, help="What is the same too.")
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
@click.option("as_csv", "--csv", is_flag=True, help="For spreadsheets: a line for each metric.")
def compare(
    sides: tuple[str, ...], where: Path | None, *, everything: bool, as_json: bool, as_csv: bool
) -> None:
    """Show what was set otherwise in B than in A, and what came of it.

    Each is a run (its id, the beginning of it, `last`, or `last~1`: the one before), a pipeline
    or a job of a run (last:refined, last:eval_raw, last:refined.eval). Differences are to the
    first; where a metric has values for each sample, or for several seeds, with an interval that
    holds the true difference in 95 of 100 cases.
    """
    from djsb.evidence.comparison import compare_sides
    from djsb.query.locate import open_store
    from djsb.query.select import select_side
    from djsb.report import comparison_text as written
    from djsb.report.written import csv_text, json_text

    if not 1 < len(sides) <= MOST:
        raise click.UsageError(f"name two runs, or parts of runs; at most {MOST}")
    store = open_store(where)
    found = compare_sides(store, [select_side(store, side) for side in sides])
    if as_json:
        click.echo(json_text(written.comparison_json(found)))
    elif as_csv:
        click.echo(csv_text(written.CSV_HEADERS, written.comparison_rows(found)))
    else:
        click.echo(written.comparison_text(found, everything=everything))
