"""``djsb runs``: the runs of a work_dir."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from djsb.cli.places import place_option, split_place

if TYPE_CHECKING:
    from pathlib import Path

STATUSES = ("running", "finished", "failed", "interrupted", "killed")


@click.command()
@click.argument("where", required=False)
@place_option
@click.option(
    "statuses",
    "--status",
    multiple=True,
    type=click.Choice(STATUSES),
    help="Only runs with this status; if repeated, with any of them.",
)
@click.option(
    "--experiment", metavar="NAME", help="Only runs of this experiment; * matches any text."
)
@click.option("--sweep", metavar="NAME", help="Only runs of this sweep: name, with *, or id.")
@click.option(
    "--since", metavar="AGO|DATE", help="Only runs started since: 90m, 12h, 2d, 1w, 2026-11-22."
)
@click.option(
    "conditions",
    "--where",
    metavar="CONDITION",
    multiple=True,
    help="Only runs with such a setting or metric: 'optimizer.lr >= 0.01'. All must hold.",
)
@click.option(
    "--sort",
    metavar="NAME",
    help="Sort by a setting, metric, started or seconds; -NAME: descending.",
)
@click.option("--limit", metavar="N", type=click.IntRange(1), help="List at most N runs.")
@click.option("columns", "--columns", metavar="NAME,…", help="Show these columns only.")
@click.option("as_json", "--json", is_flag=True, help="Print JSON: all settings and metrics.")
@click.option("as_csv", "--csv", is_flag=True, help="Print CSV: all columns that differ.")
def runs(  # noqa: PLR0913 (one argument per option)
    where: str | None,
    *,
    work_dir: Path | None,
    statuses: tuple[str, ...],
    experiment: str | None,
    sweep: str | None,
    since: str | None,
    conditions: tuple[str, ...],
    sort: str | None,
    limit: int | None,
    columns: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List the runs of WHERE: an experiment file or a work_dir (default: ./sandbox.yaml).

    Shows the settings and metrics that differ between the runs. Their names are paths, such as
    train.extra_configs.train.optimizer.lr or eval.loss; a unique ending is enough (optimizer.lr),
    and so is a job with an ending (train.lr). With several iterations, the last one counts.
    """
    from djsb.query.locate import open_store
    from djsb.query.names import parse_condition
    from djsb.report import runs as report
    from djsb.report.written import csv_text, json_text

    run_filter = report.Filter(
        statuses=statuses,
        experiment=experiment,
        sweep=sweep,
        since=None if since is None else report.parse_since(since),
        conditions=[parse_condition(text) for text in conditions],
        sort=sort,
        limit=limit,
    )
    _, place = split_place((where,), work_dir, most=0)
    records = report.list_runs(open_store(place), run_filter)
    names = None if columns is None else [name for name in columns.split(",") if name]
    if as_json:
        click.echo(json_text(report.runs_json(records, names)))
    elif as_csv:
        click.echo(csv_text(*report.runs_rows(records, names)))
    else:
        click.echo(report.runs_table(records, names))
