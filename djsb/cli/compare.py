"""``djsb compare``: runs, pipelines or jobs side by side."""

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
@click.option("everything", "--all", is_flag=True, help="Also show what is the same.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for scripts.")
@click.option("as_csv", "--csv", is_flag=True, help="Print CSV, one line per metric.")
def compare(
    sides: tuple[str, ...], where: Path | None, *, everything: bool, as_json: bool, as_csv: bool
) -> None:
    """Show which settings differ between A and B, and how their results differ.

    Each is a run (its id, a prefix of it, `last`, or `last~1`: the one before), a pipeline or a
    job of a run (last:refined, last:eval_raw, last:refined.eval). Differences are relative to the
    first; a metric with per-sample values or several seeds has a 95 % confidence interval.
    """
    from djsb.evidence.comparison import compare_sides
    from djsb.query.locate import open_store
    from djsb.query.select import select_side
    from djsb.report import comparison_text as written
    from djsb.report.written import csv_text, json_text

    if not 1 < len(sides) <= MOST:
        raise click.UsageError(f"name at least two runs or parts of runs, at most {MOST}")
    store = open_store(where)
    comparison = compare_sides(store, [select_side(store, side) for side in sides])
    if as_json:
        click.echo(json_text(written.comparison_json(comparison)))
    elif as_csv:
        click.echo(csv_text(written.CSV_HEADERS, written.comparison_rows(comparison)))
    else:
        click.echo(written.comparison_text(comparison, everything=everything))
