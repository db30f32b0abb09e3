"""``djsb doctor``: what this installation has and lacks."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.command()
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Check the installed plugins' packages, files and devices; exit 1 if something is missing."""
    from djsb_core.report.doctor import checks_table, find_checks

    checks = find_checks()
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=2))
    else:
        click.echo(checks_table(checks))
    ctx.exit(0 if all(check.ok for check in checks) else 1)
