"""``djsb run``: run one experiment."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("experiment", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "overrides",
    "--set",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a value: execution_job_configs.0.extra_configs.train.max_epochs=1.",
)
@click.option("--resume", is_flag=True, help="Reuse the finished jobs of earlier runs.")
@click.option("--dry-run", is_flag=True, help="Print the plan; run nothing.")
@click.pass_context
def run(
    ctx: click.Context,
    experiment: Path,
    overrides: tuple[str, ...],
    *,
    resume: bool,
    dry_run: bool,
) -> None:
    """Run the experiment that the file EXPERIMENT describes.

    Everything is checked before the first job starts. Results go to the file's work_dir.
    """
    from djsb_core.cli.progress import Progress
    from djsb_core.config.reader import read_experiment
    from djsb_core.discovery import create_listeners
    from djsb_core.errors import JobError
    from djsb_core.report.plan import plan_text
    from djsb_core.report.summary import summarize
    from djsb_core.runner.plan import plan
    from djsb_core.runner.run import run as run_plan
    from djsb_core.store.store import Store

    planned = plan(read_experiment(experiment, overrides))
    if planned.experiment.schema.debug:
        ctx.find_root().params["debug"] = True
    if dry_run:
        click.echo(plan_text(planned))
        return
    listeners = create_listeners()
    with Progress(len(planned.jobs)) as progress:
        listeners.register(progress, name="progress")
        try:
            record = run_plan(planned, listeners, resume=resume)
        except (JobError, KeyboardInterrupt) as error:
            error.add_note(f"Finished jobs are kept; go on with: djsb run {experiment} --resume")
            raise
    click.echo(summarize(Store(Path(planned.experiment.schema.work_dir).expanduser()), record.id))
