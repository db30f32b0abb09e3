"""``djsb run``: run one experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from djsb.planner.planned import Plan
    from djsb.runner.options import RunOptions
    from djsb.runner.session import Session


@click.command()
@click.argument("experiment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "overrides",
    "--set",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a value: execution_job_configs.0.extra_configs.train.max_epochs=1.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Run up to N independent pipelines side by side; 0: run jobs in this process.",
    metavar="N",
)
@click.option(
    "placement",
    "--on",
    metavar="NAME[:ADDRESS]",
    default="local",
    show_default=True,
    help="Where jobs run: a placement of `djsb list-components --kind placements`.",
)
@click.option(
    "--keep-going", is_flag=True, help="After a failure, run the pipelines that do not need it."
)
@click.option("--force", is_flag=True, help="Execute every job, even if the cache has it.")
@click.option(
    "--rerun", metavar="JOB", multiple=True, help="Execute this job, even if the cache has it."
)
@click.option("--no-cache", is_flag=True, help="Neither use the cache nor add to it.")
@click.option(
    "--resume", is_flag=True, help="Reuse the finished jobs of earlier runs: what every run does."
)
@click.option(
    "--no-preflight", is_flag=True, help="Do not look first whether all is there that it needs."
)
@click.option("--dry-run", is_flag=True, help="Print the plan; run nothing.")
@click.pass_context
def run(  # noqa: PLR0913 (one argument an option)
    ctx: click.Context,
    experiment: Path,
    overrides: tuple[str, ...],
    workers: int,
    rerun: tuple[str, ...],
    *,
    placement: str,
    keep_going: bool,
    force: bool,
    no_cache: bool,
    resume: bool,  # noqa: ARG001 (accepted: it is what every run does)
    no_preflight: bool,
    dry_run: bool,
) -> None:
    """Run the experiment that the file EXPERIMENT describes.

    Everything is checked before the first job starts; djsb doctor EXPERIMENT shows all of it.
    Results go to the file's work_dir. A job that an earlier run has done is not done again, unless
    something that decides its result has changed: after a failure or Ctrl-C, the same command goes
    on. Ctrl-C ends the running jobs cleanly, a second one kills them. Exit status: 0 done, 1 a job
    failed, 2 the request is wrong, 130 interrupted.
    """
    from djsb.config.reader import read_experiment
    from djsb.planner.plan import plan
    from djsb.report.plan import plan_text
    from djsb.runner.options import RunOptions
    from djsb.runner.session import Session
    from djsb_core.errors import JobError, JobsError

    planned = plan(read_experiment(experiment, overrides))
    if planned.experiment.schema.debug:
        ctx.find_root().params["debug"] = True
    if dry_run:
        click.echo(plan_text(planned))
        return
    options = RunOptions(
        force, frozenset(rerun), not no_cache, keep_going, preflight=not no_preflight
    )
    try:
        with Session(workers, placement=placement, take_signals=True) as session:
            summary = _run(planned, options, session)
    except (JobError, JobsError, KeyboardInterrupt) as error:
        error.add_note(f"Finished jobs are kept; go on with: djsb run {experiment}")
        raise
    click.echo(summary)


def _run(planned: Plan, options: RunOptions, session: Session) -> str:
    """Run a plan with progress, and return its summary."""
    from djsb.cli.progress import Progress
    from djsb.planner.preflight import require
    from djsb.report.summary import summarize

    schema = planned.experiment.schema
    several = {"iterations": schema.max_iter_num != 1, "pipelines": len(planned.pipelines) > 1}
    _show_notes(planned.warnings)
    if options.preflight:
        _show_notes(require(planned, session.placement, "--no-preflight"))
    with Progress(len(planned.jobs), **several) as progress:
        record = session.run(planned, options, [progress])
    return summarize(session.store(Path(schema.work_dir)), record.id)


def _show_notes(notes: Iterable[object]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)
