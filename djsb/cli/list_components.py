"""``djsb list-components``: what a config may name."""

from __future__ import annotations

import click


@click.command("list-components")
@click.option("--kind", help="Only one kind: data_evaluators, hooks, …")
@click.option("--check", is_flag=True, help="Import each, and say which cannot be used and why.")
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
def list_components(kind: str | None, *, check: bool, as_json: bool) -> None:
    """List every hook, type and tracker that a config may name, and from which package."""
    from djsb.report.components import components_json, components_table, list_all

    found = list_all(kind, check=check)
    click.echo(components_json(found) if as_json else components_table(found, checked=check))
