"""``djsb env``: the isolated environments that were made for components."""

from __future__ import annotations

import json

import click


@click.group()
def env() -> None:
    """Look at and clean the environments that djsb has made for components.

    A job whose settings have `env` runs in an environment of its own, which is made once and used
    again. They are kept in one folder for all experiments; DJSB_ENV_DIR names another one.
    """


@env.command()
@click.option("as_json", "--json", is_flag=True, help="For scripts.")
def ls(*, as_json: bool) -> None:
    """List what is kept, the last used first."""
    from djsb_environments.kept import Environments
    from djsb_environments.text import environments_json, environments_text

    with Environments() as found:
        if as_json:
            click.echo(json.dumps(environments_json(found), indent=2, ensure_ascii=False))
        else:
            click.echo(environments_text(found))


@env.command()
@click.argument("names", metavar="NAME_OR_KEY...", nargs=-1, required=True)
def rm(names: tuple[str, ...]) -> None:
    """Remove environments by name or by the start of their key (4 digits or more).

    What a run is using stays. A run that needs one again makes it again.
    """
    from djsb_environments.kept import Environments
    from djsb_environments.text import remove_text

    with Environments() as found:
        click.echo(remove_text(found, names))


@env.command()
@click.option("age", "--older-than", metavar="AGE", help="Such as 30d, 12h or 90m.")
@click.option("dry_run", "--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(age: str | None, *, dry_run: bool) -> None:
    """Remove what killed builds have left; with AGE, also what was not used for that long.

    What a run is using stays.
    """
    from djsb_environments.kept import Environments
    from djsb_environments.text import collect_text, parse_age

    limit = None if age is None else parse_age(age)
    with Environments() as found:
        click.echo(collect_text(found, limit, dry_run=dry_run))


@env.command()
@click.argument("name", metavar="NAME_OR_KEY")
def path(name: str) -> None:
    """Print the path of an environment's Python."""
    from djsb_environments.kept import Environments

    with Environments() as found:
        click.echo(found.choose(name).interpreter)
