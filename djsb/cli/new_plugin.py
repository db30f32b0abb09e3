"""``djsb new-plugin``: write a package with one component, its tests and its entry point."""

from __future__ import annotations

from pathlib import Path

import click

from djsb_core.interfaces.kinds import Kind

KINDS = ", ".join(kind.value for kind in Kind)


@click.command("new-plugin")
@click.argument("name")
@click.option("--kind", default="data_evaluators", show_default=True, help=f"One of {KINDS}.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to write the package's folder; here if not given.",
)
def new_plugin(name: str, kind: str, folder: Path) -> None:
    """Write the plugin package djsb-NAME: a component that works, to be changed into yours."""
    from djsb.scaffold import parse_kind, write_plugin

    written = write_plugin(name, parse_kind(kind), folder)
    click.echo(f"Wrote {written}. Next:")
    for step in (f"cd {written}", "pip install -e '.[test]'", "pytest", "djsb list-components"):
        click.echo(f"  {step}")
