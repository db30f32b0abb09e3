"""``djsb env``: the isolated environments that djsb has created for components."""

from __future__ import annotations

import json

import click


@click.group()
def env() -> None:
    """List and remove the environments that djsb has created for components.

    A job whose settings have `env` runs in an isolated environment, which is created once and
    reused. Environments are stored in one folder for all experiments; DJSB_ENV_DIR sets another.
    """


@env.command()
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
def ls(*, as_json: bool) -> None:
    """List the environments, last used first."""
    from djsb_environments.kept import Environments
    from djsb_environments.text import environments_json, environments_text

    with Environments() as environments:
        if as_json:
            click.echo(json.dumps(environments_json(environments), indent=2, ensure_ascii=False))
        else:
            click.echo(environments_text(environments))


@env.command()
@click.argument("names", metavar="NAME_OR_KEY...", nargs=-1, required=True)
def rm(names: tuple[str, ...]) -> None:
    """Remove environments by name or by a prefix of their key (4 digits or more).

    Environments in use stay. A later run that needs a removed one rebuilds it.
    """
    from djsb_environments.kept import Environments
    from djsb_environments.text import remove_text

    with Environments() as environments:
        click.echo(remove_text(environments, names))


@env.command()
@click.option("age", "--older-than", metavar="AGE", help="For example 30d, 12h or 90m.")
@click.option("dry_run", "--dry-run", is_flag=True, help="Only show what would be removed.")
def gc(age: str | None, *, dry_run: bool) -> None:
    """Remove leftovers of killed builds; with AGE, also environments unused for that long.

    Environments in use stay.
    """
    from djsb_environments.kept import Environments
    from djsb_environments.text import collect_text, parse_age

    limit = None if age is None else parse_age(age)
    with Environments() as environments:
        click.echo(collect_text(environments, limit, dry_run=dry_run))


@env.command()
@click.argument("name", metavar="NAME_OR_KEY")
def path(name: str) -> None:
    """Print the path of an environment's Python."""
    from djsb_environments.kept import Environments

    with Environments() as environments:
        click.echo(environments.choose(name).interpreter)
