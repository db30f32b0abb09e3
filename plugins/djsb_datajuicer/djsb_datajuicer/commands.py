"""The command ``djsb weights``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("fetch", "--download", is_flag=True, help="Download what is missing.")
@click.option(
    "mirrors",
    "--mirror",
    metavar="URL",
    multiple=True,
    help="Address of a folder with the files, tried before those of Data-Juicer; repeatable.",
)
@click.option("--hub", metavar="URL", help="Address of a mirror of the Hugging Face hub.")
@click.option(
    "digests",
    "--sha256",
    metavar="FILE=DIGEST",
    multiple=True,
    help="Digest that a file must have; repeatable. Those of common files are known.",
)
def weights(
    recipe: Path,
    mirrors: tuple[str, ...],
    hub: str | None,
    digests: tuple[str, ...],
    *,
    fetch: bool,
) -> None:
    """List the model files, hub models and word lists that RECIPE needs; get them beforehand.

    RECIPE is a Data-Juicer recipe: the file that a job names as dj_configs. Files go to the place
    where Data-Juicer looks for them. An interrupted download is continued, and a file is moved
    into place when it is complete and its digest is right.

    Exit status: 0 everything is there, 1 something is missing, 2 the request is wrong.
    """
    from djsb_datajuicer.obtain import obtain, parse_digests, read_weights, weights_text

    found = read_weights(recipe)
    expected = parse_digests(digests)
    if fetch:
        found = obtain(found, mirrors, hub, expected, lambda line: click.echo(line, err=True))
    click.echo(weights_text(found, recipe))
    if not all(weight.exists for weight in found):
        raise click.exceptions.Exit(1)
