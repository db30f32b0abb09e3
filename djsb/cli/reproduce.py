"""``djsb reproduce``: an exported run, again."""

from __future__ import annotations

from pathlib import Path

import click

DIFFERS = 3
"""Exit code if what was measured differs."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Folder for experiment and results; must not exist.  [default: the run's id]",
)
@click.option(
    "--data",
    metavar="FOLDER",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to look for inputs that are not in FILE, by name and content.",
)
@click.option("overrides", "--set", metavar="KEY=VALUE", multiple=True, help="As for djsb run.")
@click.option(
    "--workers", type=click.IntRange(min=0), default=1, show_default=True, help="As for djsb run."
)
@click.pass_context
def reproduce(  # noqa: PLR0913 (one argument per option)
    ctx: click.Context,
    file: Path,
    *,
    folder: Path | None,
    data: tuple[Path, ...],
    overrides: tuple[str, ...],
    workers: int,
) -> None:
    """Run what djsb export wrote into FILE, and compare what it measures.

    Exit status: 0 every value is the same (but for rounding), 3 some differ, otherwise as for djsb
    run. FILE is data: but it names components and settings to run, as an experiment does.
    """
    import os

    from djsb.bundle.reproduce import compare, unpack
    from djsb.bundle.text import reproduction_text
    from djsb.cli.run import run_plan
    from djsb.config.reader import read_experiment
    from djsb.evidence.comparison import packages_that_differ
    from djsb.planner.plan import plan
    from djsb.runner.options import RunOptions
    from djsb.runner.session import Session

    place = (folder or Path(file.stem)).absolute()
    given = {override.partition("=")[0] for override in overrides}
    unpacked = unpack(file, place, [path.absolute() for path in data], given)
    os.chdir(unpacked.folder)
    planned = plan(read_experiment(unpacked.experiment, overrides))
    with Session(workers, take_signals=True) as session:
        record = run_plan(planned, RunOptions(force=True), session)
        store = session.store(planned.experiment.work_dir)
        values = compare(unpacked.manifest, store, record)
        packages = packages_that_differ([unpacked.environment, store.environment(record)])
        click.echo(reproduction_text(values, packages, f"{record.id} {store.work_dir.absolute()}"))
    if not all(value.is_close for value in values):
        ctx.exit(DIFFERS)
