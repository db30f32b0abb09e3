"""``djsb compare``: runs, pipelines or jobs side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from djsb.cli.places import open_place, place_option, split_place

if TYPE_CHECKING:
    from pathlib import Path

MOST = 26


@click.command()
@click.argument("sides", metavar="A B… [WHERE]", nargs=-1, required=True)
@place_option
@click.option("everything", "--all", is_flag=True, help="Also show what is the same.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for scripts.")
@click.option("as_csv", "--csv", is_flag=True, help="Print CSV, one line per metric.")
def compare(
    sides: tuple[str, ...], work_dir: Path | None, *, everything: bool, as_json: bool, as_csv: bool
) -> None:
    """Show which settings differ between A and B, and how their results differ.

    Each is a run (its id, a prefix of it, `last`, or `last~1`: the one before), a pipeline or a
    job of a run (last:refined, last:eval_raw, last:refined.eval). Differences are relative to the
    first; a metric with per-sample values or several seeds has a 95 % confidence interval. WHERE is
    an experiment file or a work_dir (default: ./sandbox.yaml).
    """
    from djsb.evidence.comparison import compare_sides
    from djsb.query.locate import open_store
    from djsb.query.select import select_side
    from djsb.report import comparison_text as written
    from djsb.report.written import csv_text, json_text

    names, where = split_place(sides, work_dir)
    if not 1 < len(names) <= MOST:
        raise click.UsageError(f"name at least two runs or parts of runs, at most {MOST}")
    store = open_place(open_store, where, names)
    comparison = compare_sides(store, [select_side(store, side) for side in names])
    if as_json:
        click.echo(json_text(written.comparison_json(comparison)))
    elif as_csv:
        click.echo(csv_text(written.CSV_HEADERS, written.comparison_rows(comparison)))
    else:
        click.echo(written.comparison_text(comparison, everything=everything))
