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
    help="Where to create the package's folder.  [default: the current folder]",
)
def new_plugin(name: str, kind: str, folder: Path) -> None:
    """Write the plugin package djsb-NAME, with a working component to adapt."""
    from djsb.report.format import shell_path
    from djsb.scaffold import write_plugin

    target = write_plugin(name, Kind.parse(kind), folder)
    click.echo(f"Wrote {target}. Next:")
    for step in (
        f"cd {shell_path(target)}",
        "pip install -e '.[test]'",
        "pytest",
        "djsb list-components",
    ):
        click.echo(f"  {step}")
