"""``djsb show``: one run in full, or one of its jobs."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("run", default="last")
@click.argument("job", required=False)
@click.argument("where", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for scripts.")
def show(run: str, job: str | None, where: Path | None, *, as_json: bool) -> None:
    """Show a RUN (an id, a prefix of it, `last` or `last~1`), or one JOB of it in detail.

    A JOB is a meta_name, pipeline.meta_name, or a pipeline: all of its jobs. WHERE is an
    experiment file or a work_dir (default: ./sandbox.yaml); it may take the place of JOB.
    """
    from djsb.query.facts import last_iteration
    from djsb.query.locate import open_store
    from djsb.query.select import is_place, select_part, select_run
    from djsb.report import show as report
    from djsb.report.written import json_text

    if where is None and job is not None and is_place(job):
        where, job = Path(job), None
    store = open_store(where)
    record = select_run(store, run)
    if job is None:
        text = report.run_text(store, record)
        click.echo(json_text(report.run_json(store, record)) if as_json else text)
        return
    jobs = select_part(record, last_iteration(store.jobs(record.id)), job)
    if as_json:
        click.echo(json_text([report.job_json(store, entry) for entry in jobs]))
    else:
        click.echo(report.job_text(store, record, jobs))
