"""``djsb completion``: the shell completion script."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL; bash: eval "$(djsb completion bash)"."""
    from click.shell_completion import get_completion_class

    from djsb.cli import djsb

    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(completion_class(djsb, {}, "djsb", "_DJSB_COMPLETE").source())
