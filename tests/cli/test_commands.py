import json
import re
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError

import click
import pytest
from click.testing import CliRunner

from djsb import cli
from djsb.cli import COMMANDS, djsb
from djsb_core import __version__

HEAVY = ("pydantic", "stevedore", "rich", "yaml", "pluggy", "tabulate", "torch", "data_juicer")


@pytest.fixture
def invoke():
    def call(*arguments):
        return CliRunner().invoke(djsb, [str(one) for one in arguments], prog_name="djsb")

    return call


def imported_by(*arguments):
    """Run a command in a process of its own; return what it printed and the modules it imported."""
    code = (
        "import sys\nfrom djsb.cli import main\nsys.argv[1:] = sys.argv[1:]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('MODULES', *sorted(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    output, _, modules = ran.stdout.rpartition("MODULES ")
    return output, set(modules.split())


# -- help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["-h"]])
def test_help_and_version_import_nothing_heavy(arguments):
    output, modules = imported_by(*arguments)
    assert output
    assert modules & set(HEAVY) == set()
    assert [name for name in modules if re.match(r"djsb_(?!core)", name)] == []


def test_listing_components_imports_no_plugin_and_nothing_heavy():
    output, modules = imported_by("list-components")
    assert "EvaluateDataHook" in output
    assert modules & {*HEAVY} <= {"tabulate"}
    assert [name for name in modules if re.match(r"djsb_(?!core)", name)] == []
    assert "djsb_core.hooks.probe" not in modules


def test_version(invoke):
    assert invoke("--version").stdout == f"djsb, version {__version__}\n"


def test_help_names_every_command(invoke):
    text = invoke("--help").stdout
    assert [name for name, (_, line) in COMMANDS.items() if f"  {name} " not in text] == []
    assert "Traceback" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(invoke, name):
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: djsb {name} ")
    assert len(result.stdout.splitlines()) > 4


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_one_short_module_that_imports_the_core_when_it_runs(name):
    module = import_module(f"djsb.cli.{COMMANDS[name][0]}")
    assert isinstance(getattr(module, COMMANDS[name][0]), click.Command)
    (line,) = (line for line in module.__doc__.splitlines() if line)
    assert line.startswith(f"``djsb {name}``: ")


def test_no_command_shows_the_help(invoke):
    result = invoke()
    assert "Usage: djsb" in result.output


# -- wrong requests --------------------------------------------------------------------------------


def test_an_unknown_command_suggests_the_nearest(invoke):
    result = invoke("validat")
    assert result.exit_code == 2
    assert "Error: no such command 'validat'; did you mean 'validate'?" in result.stderr


def test_an_unknown_option_suggests_the_nearest(invoke):
    result = invoke("run", "x.yaml", "--resum")
    assert result.exit_code == 2
    assert "--resume" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "no.yaml"],
        ["run", "."],
        ["run", "sandbox.yaml", "--set"],
        ["validate", "no.yaml"],
        ["runs", "no-such-folder"],
        ["show", "last", "no-such-folder"],
        ["list-components", "--kind", "nothing"],
        ["completion", "tcsh"],
        ["completion"],
        ["new-plugin"],
        ["new-plugin", "x", "--kind", "nothing"],
        ["init"],
    ],
)
def test_a_wrong_request_is_one_message_and_exit_code_2(invoke, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("Error: ") == 1
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["runs"], ["show"], ["show", "last", "."], ["runs", "."]])
def test_a_folder_with_nothing_in_it(invoke, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert re.fullmatch(r"Error: no .*\n", result.stderr)
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback_of_a_wrong_request(invoke, lab):
    lab.write("sandbox.yaml", "a: 1\n")
    assert isinstance(invoke("validate", "sandbox.yaml").exception, SystemExit)
    assert type(invoke("--debug", "validate", "sandbox.yaml").exception).__name__ == "ConfigError"


def test_an_error_that_is_a_bug_keeps_its_traceback(invoke, monkeypatch, lab):
    monkeypatch.setattr("djsb.planner.plan.plan", lambda experiment: 1 / 0)
    assert isinstance(invoke("validate", "sandbox.yaml").exception, ZeroDivisionError)


def test_an_interruption_before_a_run_is_one_word(invoke, monkeypatch, lab):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("djsb.planner.plan.plan", interrupt)
    result = invoke("validate", "sandbox.yaml")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


# -- runs and show ---------------------------------------------------------------------------------


def test_runs_and_show(invoke, lab):
    run = lab.run()
    listed = json.loads(invoke("runs", "--json").stdout)
    assert [(one["id"], one["status"], one["project_name"]) for one in listed] == [
        (run.id, "finished", "lab")
    ]
    assert run.id in invoke("runs", "sandbox.yaml").stdout
    for arguments in (["show"], ["show", "last"], ["show", run.id, "outputs/lab"]):
        assert invoke(*arguments).stdout.startswith(f"Run {run.id} of sandbox.yaml: finished\n")
    shown = json.loads(invoke("show", "last", "sandbox.yaml", "--json").stdout)
    assert [job["status"] for job in shown["jobs"]] == ["finished"] * 8


def test_an_unknown_run_suggests_the_nearest(invoke, lab):
    run = lab.run()
    result = invoke("show", run.id[:-1] + "x")
    assert result.exit_code == 2
    assert f"did you mean '{run.id}'?" in result.stderr


# -- list-components and schema --------------------------------------------------------------------


def test_components_for_scripts(invoke, lab):
    found = json.loads(invoke("list-components", "--json").stdout)
    assert {"kind", "name", "package", "version", "summary", "loads", "remark"} == set(found[0])
    (lengths,) = [one for one in found if one["name"] == "lab_lengths"]
    assert (lengths["loads"], lengths["summary"]) == (None, "Mean length of a text.")
    checked = json.loads(
        invoke("list-components", "--kind=data_evaluators", "--check", "--json").stdout
    )
    assert {one["kind"] for one in checked} == {"data_evaluators"}
    assert {one["name"]: one["loads"] for one in checked}["lab_lengths"] is True


def test_schema_is_json(invoke):
    assert json.loads(invoke("schema").stdout)["title"] == "djsb experiment"


# -- completion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(invoke, shell):
    script = invoke("completion", shell).stdout
    assert "_DJSB_COMPLETE" in script
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, text=True, check=False)
        assert checked.returncode == 0


def test_completion_knows_commands_and_options():
    def complete(*words):
        code = "from djsb.cli import main; main()"
        ran = subprocess.run(
            [sys.executable, "-c", code],
            env={"COMP_WORDS": " ".join(("djsb", *words)), "COMP_CWORD": str(len(words)),
                 "_DJSB_COMPLETE": "bash_complete"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return ran.stdout.splitlines()

    assert complete("val") == ["plain,validate"]
    assert complete("run", "--resu") == ["plain,--resume"]


# -- commands of plugins ---------------------------------------------------------------------------

PLUGIN = """
    import click

    @click.command("lab-hello")
    def hello():
        "Greet."
        click.echo("hello from the plugin")
"""


def test_a_plugin_adds_a_command(invoke, install):
    install("cmdpkg", PLUGIN, "[djsb.commands]\nlab-hello = cmdpkg:hello\n")
    assert re.search(r"lab-hello +Greet\.$", invoke("--help").stdout, re.MULTILINE)
    assert "cmdpkg" not in sys.modules
    assert invoke("lab-hello").stdout == "hello from the plugin\n"
    assert "did you mean 'lab-hello'?" in invoke("lab-helo").stderr


def test_a_plugin_cannot_replace_a_command_of_the_core(invoke, install):
    install("cmdpkg", PLUGIN, "[djsb.commands]\nvalidate = cmdpkg:hello\n")
    assert "Report every mistake" in invoke("validate", "--help").stdout


def test_a_broken_command_is_one_message(invoke, install):
    install("cmdpkg", "import no_such_module", "[djsb.commands]\nlab-hello = cmdpkg:hello\n")
    result = invoke("lab-hello")
    assert result.exit_code == 2
    assert "cannot load command 'lab-hello' of cmdpkg 1.0: ModuleNotFoundError" in result.stderr
    assert invoke("--help").exit_code == 0


@pytest.mark.parametrize(
    ("command", "package"), [("report", "djsb-report"), ("env", "djsb-environments")]
)
def test_a_command_of_an_absent_package_says_what_to_install(invoke, monkeypatch, command, package):
    monkeypatch.setattr("djsb_core.discovery.announced", lambda _: [])
    monkeypatch.setattr("importlib.metadata.version", not_installed)
    result = invoke(command, "last")
    assert result.exit_code == 2
    said = f"no such command '{command}'; it comes with {package}: pip install {package}"
    assert said in " ".join(result.stderr.split())


def not_installed(name):
    raise PackageNotFoundError(name)


def test_a_command_without_a_docstring_is_listed_with_its_package(invoke, install):
    install("cmdpkg", "hello = 3", "[djsb.commands]\nlab-hello = cmdpkg:hello\n")
    assert re.search(r"lab-hello +\(from cmdpkg\)", invoke("--help").stdout)


def test_what_is_no_command_is_none(invoke, install):
    install("cmdpkg", "hello = 3", "[djsb.commands]\nlab-hello = cmdpkg:hello\n")
    assert invoke("lab-hello").exit_code == 2


def test_a_reader_that_goes_away_is_no_error(lab):
    code = "from djsb.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "list-components", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.wait()
    assert errors == ""
    assert process.returncode in (0, 1)


def test_main_names_the_program(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["whatever", "--version"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().out.startswith("djsb, version ")
