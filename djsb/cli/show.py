"""``djsb show``: one run in full, or one of its jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from djsb.cli.places import open_place, place_option, split_place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from djsb.store.records import JobRecord


@click.command()
@click.argument("run", required=False)
@click.argument("job", required=False)
@click.argument("where", required=False)
@place_option
@click.option(
    "step",
    "--dropped",
    metavar="[STEP]",
    is_flag=False,
    flag_value="",
    help="List the rows that jobs removed, or those that one STEP (an operator) removed.",
)
@click.option(
    "--limit", type=click.IntRange(min=0), help="Number of rows that --dropped lists per job."
)
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for scripts.")
def show(  # noqa: PLR0913 (one argument per option)
    run: str | None,
    job: str | None,
    where: str | None,
    *,
    work_dir: Path | None,
    step: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Show a RUN (an id, a prefix of it, `last` or `last~1`), or one JOB of it in detail.

    A JOB is a meta_name, pipeline.meta_name, or a pipeline: all of its jobs. WHERE is an
    experiment file or a work_dir (default: ./sandbox.yaml); RUN (`last`) and JOB may be left out.
    """
    from djsb.query.facts import last_iteration
    from djsb.query.locate import open_store
    from djsb.query.select import select_part, select_run
    from djsb.report import show as report
    from djsb.report.dropped import dropped_json, dropped_text
    from djsb.report.written import json_text

    names, place = split_place((run, job, where), work_dir, most=2)
    store = open_place(open_store, place, names)
    record = select_run(store, names[0] if names else "last")
    if len(names) < 2 and step is None:  # noqa: PLR2004 (no job)
        text = report.run_text(store, record)
        click.echo(json_text(report.run_json(store, record)) if as_json else text)
        return
    jobs: Sequence[JobRecord] = last_iteration(store.jobs(record.id))
    if len(names) > 1:
        jobs = select_part(record, jobs, names[1])
    if step is not None:
        asked = (store, record, jobs, step, limit)
        click.echo(json_text(dropped_json(*asked)) if as_json else dropped_text(*asked))
        return
    if as_json:
        click.echo(json_text([report.job_json(store, entry) for entry in jobs]))
    else:
        click.echo(report.job_text(store, record, jobs))
