"""``djsb schema``: the JSON Schema of the experiment file."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of the experiment file, with the installed components in it.

    Editors use it to complete keys: save it and name it in the first line of the file
    (# yaml-language-server: $schema=djsb.schema.json).
    """
    from djsb.report.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
