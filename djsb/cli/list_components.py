"""``djsb list-components``: what a config can use."""

from __future__ import annotations

import click

from djsb_core.interfaces.kinds import Kind

KINDS = ", ".join(kind.value for kind in Kind)


@click.command("list-components")
@click.option("--kind", help=f"Only one kind: {KINDS}.")
@click.option(
    "--check", is_flag=True, help="Import each one and report which cannot be used, and why."
)
@click.option("as_json", "--json", is_flag=True, help="Print JSON, for scripts.")
def list_components(kind: str | None, *, check: bool, as_json: bool) -> None:
    """List every hook, type and tracker that a config can use, with its package."""
    from djsb.report.components import components_json, components_table, list_all

    components = list_all(kind, check=check)
    click.echo(
        components_json(components) if as_json else components_table(components, checked=check)
    )
