"""``djsb run``: run one experiment."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from djsb.planner.planned import Plan
    from djsb.runner.options import RunOptions


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

    planned = plan(read_experiment(experiment, overrides))
    if planned.experiment.schema.debug:
        ctx.find_root().params["debug"] = True
    if dry_run:
        click.echo(plan_text(planned))
        return
    for note in planned.notes:
        click.echo(f"note: {note}", err=True)
    if not no_preflight:
        _preflight(planned)
    options = RunOptions(
        workers, force, frozenset(rerun), not no_cache, keep_going, preflight=not no_preflight
    )
    click.echo(_run(planned, options))


def _preflight(planned: Plan) -> None:
    """Say what is good to know before the first job.

    :raises RequestError: with all that would keep the run from ending well
    """
    from djsb.planner.preflight import preflight, problems_of
    from djsb_core.errors import RequestError

    problems, notes = problems_of(preflight(planned))
    for note in notes:
        click.echo(f"note: {note}", err=True)
    if problems:
        count = len(problems)
        text = problems[0] if count == 1 else "\n  ".join([f"{count} problems", *problems])
        raise RequestError(f"{text}\nTo run all the same: --no-preflight")


def _run(planned: Plan, options: RunOptions) -> str:
    """Run a plan with progress, and return its summary."""
    from djsb.cli.progress import Progress
    from djsb.config.trackers import trackers_of_run
    from djsb.report.summary import summarize
    from djsb.runner.run import run as run_plan
    from djsb.store.store import Store
    from djsb_core.discovery import create_listeners, with_trackers
    from djsb_core.errors import JobError, JobsError

    schema = planned.experiment.schema
    listeners = with_trackers(create_listeners(), trackers_of_run(schema.trackers))
    several = {"iterations": schema.max_iter_num != 1, "pipelines": len(planned.pipelines) > 1}
    with Progress(len(planned.jobs), **several) as progress:
        listeners.register(progress, name="progress")
        try:
            record = run_plan(planned, listeners, options)
        except (JobError, JobsError, KeyboardInterrupt) as error:
            path = planned.experiment.document.path
            error.add_note(f"Finished jobs are kept; go on with: djsb run {path}")
            raise
    with closing(Store(Path(schema.work_dir).expanduser())) as store:
        return summarize(store, record.id)
