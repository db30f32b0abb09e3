"""``djsb runs``: what was run in a work_dir."""

from __future__ import annotations

from pathlib import Path

import click

STATUSES = ("running", "finished", "failed", "interrupted", "killed")


@click.command()
@click.argument("where", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "statuses",
    "--status",
    multiple=True,
    type=click.Choice(STATUSES),
    help="Only runs in this state, or in one of several.",
)
@click.option(
    "--experiment", metavar="NAME", help="Only of this experiment; * stands for any text."
)
@click.option("--sweep", metavar="NAME", help="Only of this sweep: its name, with *, or its id.")
@click.option(
    "--since", metavar="AGO|DATE", help="Only from then on: 90m, 12h, 2d, 1w, 2026-11-22."
)
@click.option(
    "conditions",
    "--where",
    metavar="CONDITION",
    multiple=True,
    help="Only where a setting or metric is so: 'optimizer.lr >= 0.01'. All of several.",
)
@click.option(
    "--sort", metavar="NAME", help="By a setting, metric, started or seconds; -NAME: down."
)
@click.option("--limit", metavar="N", type=click.IntRange(1), help="At most so many.")
@click.option("columns", "--columns", metavar="NAME,…", help="Instead of what differs most.")
@click.option("as_json", "--json", is_flag=True, help="For scripts: all settings and metrics.")
@click.option("as_csv", "--csv", is_flag=True, help="For spreadsheets: all that differs.")
def runs(  # noqa: PLR0913 (one for each option)
    where: Path | None,
    *,
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

    Settings and metrics that differ between the runs stand beside them. Their names are paths,
    such as train.extra_configs.train.optimizer.lr or eval.loss; an ending that only one has will
    do (optimizer.lr), and so will a job and an ending (train.lr). Of several iterations the last
    one counts.
    """
    from djsb.query.locate import open_store
    from djsb.query.names import parse_condition
    from djsb.report import runs as report
    from djsb.report.written import csv_text, json_text

    wanted = report.Filter(
        statuses=statuses,
        experiment=experiment,
        sweep=sweep,
        since=None if since is None else report.parse_since(since),
        conditions=[parse_condition(text) for text in conditions],
        sort=sort,
        limit=limit,
    )
    found = report.list_runs(open_store(where), wanted)
    chosen = None if columns is None else [name for name in columns.split(",") if name]
    if as_json:
        click.echo(json_text(report.runs_json(found, chosen)))
    elif as_csv:
        click.echo(csv_text(*report.runs_rows(found, chosen)))
    else:
        click.echo(report.runs_table(found, chosen))
