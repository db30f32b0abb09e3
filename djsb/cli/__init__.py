"""The command ``djsb``: one module per subcommand, imported only when it is used."""

from __future__ import annotations

import faulthandler
import gc
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from djsb import __version__
from djsb.cli.streams import STDERR, lost_output, prepare_streams

if TYPE_CHECKING:
    from djsb_core.announced import Announcement

COMMANDS = {
    "run": ("run", "Run an experiment."),
    "validate": ("validate", "Check an experiment without running it."),
    "list-components": (
        "list_components",
        "List every hook, type and tracker that a config can use.",
    ),
    "init": ("init", "Copy the quickstart experiment into a folder."),
    "new-plugin": ("new_plugin", "Write a new plugin package."),
    "runs": ("runs", "List the runs of a work_dir."),
    "show": ("show", "Show one run, or one of its jobs."),
    "compare": ("compare", "Compare runs, pipelines or jobs, with confidence intervals."),
    "export": ("export", "Write a run as one file, to be repeated elsewhere."),
    "reproduce": ("reproduce", "Run an exported run again and compare."),
    "schema": ("schema", "Print the JSON Schema of the experiment file."),
    "cache": ("cache", "List, explain and clean up cached results."),
    "doctor": ("doctor", "Diagnose this installation, a plugin or an experiment."),
    "completion": ("completion", "Print the shell completion script."),
}
"""For each command: its module in this package and its line in ``djsb --help``."""


GARBAGE = 30_000
"""Objects between two garbage collections; Python's 700 take a tenth of a short command."""

WORKING = frozenset({"run", "validate", "doctor", "init", "new-plugin"})
"""Commands whose text is not their result: if it cannot be written, their exit code stays."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it: 128 + SIGINT."""


class LazyGroup(click.Group):
    """A group whose commands, including those of plugins, are imported when they are called.

    Names and help lines come from :data:`COMMANDS` and from package metadata, so that
    ``djsb --help`` imports neither the commands nor any plugin.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """List the built-in commands, then those of plugins."""
        return [*COMMANDS, *(entry.name for entry in _plugin_commands())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name in COMMANDS:
            module = COMMANDS[cmd_name][0]
            command = getattr(import_module(f"djsb.cli.{module}"), module)
            return command if isinstance(command, click.Command) else None
        return _load_plugin_command(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the help lines without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])
        commands = _plugin_commands()
        if commands:
            with formatter.section("Plugin commands"):
                formatter.write_dl([(entry.name, _help_line(entry)) for entry in commands])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for an unknown one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from djsb_core.discovery import COMMANDS as GROUP
            from djsb_core.errors import suggest
            from djsb_core.published import advise

            hint = advise(GROUP, args[0]) or suggest(args[0], self.list_commands(ctx))
            raise click.UsageError(f"no such command '{args[0]}'; {hint}", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (click's signature)
        """Run a command; show expected errors as one message."""
        from djsb_core.errors import DjsbError, describe_cause, remedy_of

        try:
            result = super().invoke(ctx)
        except DjsbError as error:
            if ctx.params.get("debug"):
                raise
            _print_error(f"Error: {describe_cause(error)}", error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt as error:
            _print_error("Interrupted.", error)
            ctx.exit(INTERRUPTED)
        except Exception as error:
            if ctx.params.get("debug") or not remedy_of(error):
                raise  # a bug
            _print_error(f"Error: {describe_cause(error)}", error)
            ctx.exit(DjsbError.exit_code)
        if ctx.invoked_subcommand not in WORKING and lost_output():
            ctx.exit(DjsbError.exit_code)
        return result


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="djsb")
@click.option("--debug", is_flag=True, help="Show tracebacks and debug messages.")
def djsb(*, debug: bool) -> None:
    """Find out which data recipe makes your model better.

    An experiment is one YAML file: probe the data or the model, refine the recipe, execute it
    (process, train, infer), evaluate. Start with: djsb init my-lab
    """
    import logging

    level = logging.DEBUG if debug else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")


def main() -> None:
    """Run the command line."""
    gc.set_threshold(GARBAGE)
    prepare_streams()
    faulthandler.enable(STDERR)  # a crash, as in a plugin's C extension, is traced to its file
    djsb.main(prog_name="djsb", windows_expand_args=False)


def _print_error(message: str, error: BaseException) -> None:
    """Print an error's message, followed by its notes."""
    click.echo("\n".join([message, *getattr(error, "__notes__", ())]), err=True)


def _plugin_commands() -> list[Announcement]:
    """List plugin commands from metadata, without those named like a built-in command."""
    from djsb_core.announced import announced
    from djsb_core.discovery import COMMANDS as GROUP

    commands = sorted(announced(GROUP), key=lambda entry: entry.name)
    return [entry for entry in commands if entry.name not in COMMANDS]


def _help_line(entry: Announcement) -> str:
    """Return the first docstring line of a command, read from its source, or its package."""
    from djsb.report.source import read_definition
    from djsb_core.announced import package_of

    summary, _, _ = read_definition(entry.target)
    return summary or f"(from {package_of(entry)[0]})"


def _load_plugin_command(name: str) -> click.Command | None:
    from djsb_core.discovery import load_command

    command = load_command(name)
    return command if isinstance(command, click.Command) else None
