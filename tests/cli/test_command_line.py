"""The command as it is shown to be typed again."""

import shlex

import click
import pytest
from click.testing import CliRunner

from djsb.cli.command_line import command_line
from djsb_core.masking import Masker


def shown(*arguments, secrets=()):
    """Return the command that was called with these arguments, as it is shown."""
    lines = []

    @click.group()
    @click.option("--debug", is_flag=True)
    def djsb(*, debug):
        pass

    @djsb.command()
    @click.argument("experiment")
    @click.option("overrides", "--set", multiple=True)
    @click.option("--workers", "-w", default=1)
    @click.option("--keep-going", is_flag=True)
    @click.pass_context
    def run(ctx, **_):
        lines.append(command_line(ctx, Masker(secrets)))

    CliRunner().invoke(djsb, arguments, catch_exceptions=False)
    return lines[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "x.yaml"],
        ["run", "my lab's file.yaml", "--set", "a.b=c d", "--set", "e=$HOME"],
        ["--debug", "run", "-x.yaml", "--workers", "0", "--keep-going"],
    ],
)
def test_it_can_be_typed_again(arguments):
    if "-x.yaml" in arguments:
        arguments = [*arguments[:2], *arguments[3:], "--", "-x.yaml"]
    text = shown(*arguments)
    again = shlex.split(text)
    assert again[0] == "djsb"
    assert shown(*again[1:]) == text


def test_defaults_are_left_out_and_short_options_written_out():
    assert shown("run", "x.yaml", "-w", "3") == "djsb run x.yaml -w 3"
    assert shown("run", "x.yaml", "--workers", "1") == "djsb run x.yaml -w 1"
    assert shown("run", "x.yaml") == "djsb run x.yaml"


def test_it_shows_no_secret():
    text = shown(
        "run",
        "x.yaml",
        "--set",
        "a.api_key=k1",
        "--set",
        "b=s3cret-value",
        secrets=["s3cret-value"],
    )
    assert shlex.split(text)[2:] == ["x.yaml", "--set", "a.api_key=***", "--set", "b=***"]
