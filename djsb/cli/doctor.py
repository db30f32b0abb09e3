"""``djsb doctor``: what an installation, a plugin or an experiment has and lacks."""

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
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
@click.pass_context
def doctor(
    ctx: click.Context, what: tuple[str, ...], overrides: tuple[str, ...], *, as_json: bool
) -> None:
    """Say what is there and what is missing, with a remedy.

    Without an argument: the whole installation. Of a PLUGIN (huggingface): what its package needs.
    Of an EXPERIMENT, a file: what is wrong with it, and whether all is there that its jobs need.
    Exit status: 0 nothing required is missing (the experiment can run), 1 something is, 2 the
    request is wrong.
    """
    from djsb.doctor.text import can_run, doctor_json, doctor_text

    groups = _examine(what, overrides)
    click.echo(doctor_json(groups) if as_json else doctor_text(groups))
    ctx.exit(0 if can_run(groups) else 1)


def _examine(what: tuple[str, ...], overrides: tuple[str, ...]) -> list[CheckGroup]:
    from djsb.doctor.experiment import examine_experiments
    from djsb.doctor.installation import examine_installation
    from djsb_core.errors import RequestError

    files = [one for one in what if Path(one).suffix in SUFFIXES or Path(one).is_file()]
    plugins = [one for one in what if one not in files]
    for one in files:
        if not Path(one).is_file():
            raise RequestError(f"no such file: {one}")
    if overrides and not files:
        raise RequestError("--set needs an experiment file, whose values it overrides")
    if not what:
        return examine_installation()
    return examine_experiments([_experiment(one, overrides) for one in files], plugins)


def _experiment(path: str, overrides: tuple[str, ...]) -> Examined:
    from djsb.config.reader import read_experiment
    from djsb.config.trackers import trackers_of_run
    from djsb.doctor.experiment import Examined, as_checks
    from djsb.planner.plan import survey
    from djsb.planner.preflight import examine_plan, packages_in_use
    from djsb_core.errors import ConfigError

    try:
        experiment = read_experiment(Path(path), overrides)
    except ConfigError as error:
        return Examined(path, as_checks(error.problems, required=True))
    planned, problems = survey(experiment)
    checks, notes = examine_plan(planned, problems)
    checks = [*as_checks(problems, required=True), *checks, *as_checks(notes, required=False)]
    return Examined(
        path, checks, packages_in_use(planned), trackers_of_run(experiment.schema.trackers)
    )
