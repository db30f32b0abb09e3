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
    from djsb.store.records import RunRecord


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
    help="Run up to N independent pipelines in parallel; 0: run jobs in this process.",
    metavar="N",
)
@click.option(
    "placement",
    "--on",
    metavar="NAME[:ADDRESS]",
    default="local",
    show_default=True,
    help="Where jobs run: a placement listed by `djsb list-components --kind placements`.",
)
@click.option(
    "--keep-going",
    is_flag=True,
    help="After a failure, continue with the pipelines that do not depend on the failed job.",
)
@click.option("--force", is_flag=True, help="Execute every job, even if it is cached.")
@click.option(
    "--rerun", metavar="JOB", multiple=True, help="Execute this job, even if it is cached."
)
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache.")
@click.option(
    "--resume", is_flag=True, help="Reuse the finished jobs of earlier runs: the default."
)
@click.option(
    "--no-preflight",
    is_flag=True,
    help="Do not check first whether everything it needs is available.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan; run nothing.")
@click.pass_context
def run(  # noqa: PLR0913 (one argument per option)
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
    resume: bool,  # noqa: ARG001 (accepted: every run resumes)
    no_preflight: bool,
    dry_run: bool,
) -> None:
    """Run the experiment described in the file EXPERIMENT.

    Everything is checked before the first job starts; djsb doctor EXPERIMENT shows every check.
    Results go to the work_dir named in the file. Jobs that an earlier run finished are reused,
    unless something that affects their result has changed: after a failure or Ctrl-C, the same
    command resumes. Ctrl-C stops the running jobs cleanly, a second one kills them. Exit status:
    0 done, 1 a job failed, 2 the request is invalid, 130 interrupted.
    """
    from djsb.cli.command_line import command_line
    from djsb.config.reader import read_experiment
    from djsb.planner.plan import plan
    from djsb.report.plan import plan_text
    from djsb.runner.options import RunOptions
    from djsb.runner.session import Session
    from djsb_core.errors import JobError, JobsError
    from djsb_core.masking import Masker

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
            record = run_plan(planned, options, session)
            summary = _summary(planned, session, record)
    except (JobError, JobsError, KeyboardInterrupt) as error:
        again = command_line(ctx, Masker.of(planned.experiment.document.value))
        error.add_note(f"Finished jobs are kept; resume with: {again}")
        raise
    click.echo(summary)


def _summary(planned: Plan, session: Session, record: RunRecord) -> str:
    from djsb.report.summary import summarize

    return summarize(session.store(planned.experiment.work_dir), record.id)


def run_plan(planned: Plan, options: RunOptions, session: Session) -> RunRecord:
    """Run a plan with its notes and progress on standard error; return the record of the run."""
    from djsb.cli.progress import Progress
    from djsb.planner.preflight import require

    schema = planned.experiment.schema
    several = {"iterations": schema.max_iter_num != 1, "pipelines": len(planned.pipelines) > 1}
    _show_notes(planned.warnings)
    if options.preflight:
        _show_notes(require(planned, session.placement, "--no-preflight"))
    with Progress(len(planned.jobs), **several) as progress:
        return session.run(planned, options, [progress])


def _show_notes(notes: Iterable[object]) -> None:
    for note in notes:
        click.echo(f"note: {note}", err=True)
