"""``djsb doctor``: check an installation, a plugin or an experiment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from djsb.doctor.check_group import CheckGroup
    from djsb.doctor.experiment import Examined

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


@click.command()
@click.argument("what", nargs=-1, metavar="[EXPERIMENT | PLUGIN]...")
@click.option(
    "overrides", "--set", metavar="KEY=VALUE", multiple=True, help="Override a value of EXPERIMENT."
)
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for scripts.")
@click.pass_context
def doctor(
    ctx: click.Context, what: tuple[str, ...], overrides: tuple[str, ...], *, as_json: bool
) -> None:
    """Report what is missing or broken, and how to fix it.

    Without arguments, checks the whole installation. For a PLUGIN (huggingface), checks what its
    package needs. For an EXPERIMENT file, checks the file and everything that its jobs need.
    Exit status: 0 nothing required is missing (the experiment can run), 1 something required is
    missing, 2 the request is invalid.
    """
    from djsb.doctor.text import can_run, doctor_json, doctor_text

    groups = _examine(what, overrides)
    click.echo(doctor_json(groups) if as_json else doctor_text(groups))
    ctx.exit(0 if can_run(groups) else 1)


def _examine(what: tuple[str, ...], overrides: tuple[str, ...]) -> list[CheckGroup]:
    from djsb.doctor.experiment import examine_experiments
    from djsb.doctor.installation import examine_installation
    from djsb_core.errors import RequestError

    files = [name for name in what if Path(name).suffix in SUFFIXES or Path(name).is_file()]
    plugins = [name for name in what if name not in files]
    for name in files:
        if not Path(name).is_file():
            raise RequestError(f"no such file: {name}")
    if overrides and not files:
        raise RequestError("--set needs an experiment file, whose values it overrides")
    if not what:
        return examine_installation()
    return examine_experiments([_experiment(name, overrides) for name in files], plugins)


def _experiment(path: str, overrides: tuple[str, ...]) -> Examined:
    from djsb.config.reader import read_experiment
    from djsb.config.trackers import trackers_of_run
    from djsb.doctor.experiment import Examined
    from djsb.planner.plan import survey
    from djsb.planner.preflight import examine_plan, packages_in_use
    from djsb_core.errors import ConfigError

    try:
        experiment = read_experiment(Path(path), overrides)
    except ConfigError as error:
        return Examined(path, error.problems)
    planned, errors = survey(experiment)
    checks, warnings = examine_plan(planned, errors)
    packages, trackers = packages_in_use(planned), trackers_of_run(experiment.schema.trackers)
    return Examined(path, errors, checks, warnings, packages, trackers)
