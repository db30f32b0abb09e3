"""Plugin code that raises anything, closes descriptors or ends the process breaks only itself."""

import re
import signal
import subprocess
import sys
from subprocess import CompletedProcess

import pytest

from djsb_core.discovery import load_component
from djsb_core.errors import PluginLoadError
from djsb_core.faults import describe_error, is_interrupt
from djsb_core.foreign import PluginFault, contained, contained_import
from djsb_core.interfaces.kinds import Kind

PREFIX = "import os, sys\nfrom djsb_core.api import hookimpl\n"
CALL = "@hookimpl\ndef djsb_job_started(job):\n    "
MUTE = """
class Mute(BaseException):
    def __str__(self):
        raise SystemExit(3)
    __repr__ = __str__
"""
AT_IMPORT = {
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "raise BaseException('x')": "BaseException: x",
    f"{MUTE}\nraise Mute": "Mute",
    "os.closerange(0, 3)": "it closed stdin, stdout, stderr",
    "sys.stdout = sys.stderr = None": "it closed stdout, stderr",
    "os._exit(7)": "SystemExit: 7",
}
AT_CALL = {
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "raise Mute": "Mute",
    "os.close(2)": "it closed stderr",
    "os.closerange(0, 3)": "it closed stdin, stdout, stderr",
}


@pytest.fixture
def run(lab, install):
    """Return a function that runs one job beside a listener."""

    def run_beside(source):
        install("evil", PREFIX + source, "[djsb.listeners]\nbad = evil\n")
        lab.write("sandbox.yaml", lab.echo("text: one"))
        return lab.djsb("run", "sandbox.yaml")

    return run_beside


def check(ran, warning):
    assert ran.returncode == 0, ran.stderr
    assert "finished in" in ran.stdout
    (line,) = [line for line in ran.stderr.splitlines() if not line.startswith("[1/1]")]
    assert line == warning


@pytest.mark.parametrize("source", AT_IMPORT, ids=range(len(AT_IMPORT)))
def test_a_listener_that_fails_at_import_is_skipped(run, source):
    reason = AT_IMPORT[source]
    check(
        run(source),
        f"WARNING: skipped listener 'bad' of evil: {reason}; mend or uninstall evil",
    )


@pytest.mark.parametrize("source", AT_CALL, ids=range(len(AT_CALL)))
def test_a_listener_that_fails_at_a_call_is_dropped(run, source):
    ran = run(f"{MUTE}\n{CALL}{source}\n")
    warning = f"WARNING: dropped listener 'bad of evil': djsb_job_started: {AT_CALL[source]}"
    stderr = re.sub(r" \(\S*/evil\.py:\d+\)", "", ran.stderr)
    check(CompletedProcess((), ran.returncode, ran.stdout, stderr), warning)


def test_a_listener_may_close_the_objects_of_streams(run):
    ran = run(f"{CALL}sys.stdout.close(), sys.stderr.close()\n")
    assert (ran.returncode, "finished in" in ran.stdout) == (0, True)
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("source", ["os.closerange(0, 1000)", f"{CALL}os.closerange(0, 1000)"])
def test_a_process_without_files_ends_with_a_sentence(run, source):
    ran = run(source)
    assert ran.returncode == 1
    last = "Error: listener 'bad of evil' closed all files of this process, which ends"
    assert ran.stderr.splitlines()[-1] == f"{last}; mend or uninstall it"


def test_a_crash_at_import_names_the_plugin(run):
    ran = run("os.abort()")
    assert ran.returncode == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in ran.stderr
    assert "evil.py" in ran.stderr


COMPONENT = """
class Bad(Hook):
    config_type = ComponentConfig
    def run(self, context):
        return {}
"""


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("raise GeneratorExit", "cannot load hook 'Bad' of evil 1.0: GeneratorExit"),
        ("os._exit(7)", "cannot load hook 'Bad' of evil 1.0: SystemExit: 7"),
        (f"os.close(1)\n{COMPONENT}", "cannot load hook 'Bad' of evil 1.0: it closed stdout"),
        (
            COMPONENT + "    def check(self):\n        raise KeyboardInterrupt\n",
            "Bad cannot be checked: KeyboardInterrupt",
        ),
        (
            COMPONENT + "    def check(self):\n        os.closerange(0, 3)\n        return []\n",
            "Bad cannot be checked: it closed stdin, stdout, stderr",
        ),
        (
            COMPONENT + f"    def reads(self):\n        raise Mute\n{MUTE}",
            "Bad cannot be checked: Mute",
        ),
    ],
    ids=range(6),
)
def test_a_component_that_cannot_be_used_is_a_sentence(lab, install, source, sentence):
    head = "import os\nfrom djsb_core.api import ComponentConfig, Hook\n"
    install("evil", head + source, "[djsb.hooks]\nBad = evil:Bad\n")
    lab.write("sandbox.yaml", "work_dir: w\nexecution_job_configs:\n- {hook: Bad}\n")
    ran = lab.djsb("validate", "sandbox.yaml")
    assert ran.returncode == 2
    assert sentence in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize("raised", ["KeyboardInterrupt", "GeneratorExit", "Mute"])
@pytest.mark.parametrize("workers", [0, 1])
def test_a_job_that_raises_anything_fails(lab, install, raised, workers):
    head = f"from djsb_core.api import ComponentConfig, Hook\n{MUTE}"
    source = COMPONENT.replace("return {}", f"raise {raised}")
    install("evil", head + source, "[djsb.hooks]\nBad = evil:Bad\n")
    lab.write("sandbox.yaml", "work_dir: w\nexecution_job_configs:\n- {hook: Bad}\n")
    ran = lab.djsb("run", "sandbox.yaml", "--workers", workers)
    assert ran.returncode == 1
    assert f"failed: {raised}" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_checks_and_trackers_are_contained(lab, install):
    source = """
        import os
        from djsb_core.api import Tracker, ComponentConfig

        class Board(Tracker):
            config_type = ComponentConfig
            def needs(self):
                raise GeneratorExit

        def checks():
            os.close(1)
            return []
    """
    entries = "[djsb.trackers]\nboard = evil:Board\n[djsb.checks]\nevil = evil:checks\n"
    install("evil", source, entries)
    lab.write("sandbox.yaml", lab.echo("text: one") + "trackers: [board]\n")
    ran = lab.djsb("doctor", "sandbox.yaml")
    assert "its needs cannot be listed: GeneratorExit" in ran.stdout
    assert ran.returncode == 0
    assert "failed: it closed stdout" in lab.djsb("doctor", "evil").stdout


def test_a_real_interrupt_is_told_from_one_that_is_raised():
    with pytest.raises(PluginFault), contained("x"):
        raise KeyboardInterrupt
    code = "import signal; signal.raise_signal(signal.SIGINT)"
    with pytest.raises(KeyboardInterrupt) as caught, contained("x"):
        exec(compile(code, "x", "exec"), {})  # noqa: S102
    assert is_interrupt(caught.value)
    assert not is_interrupt(GeneratorExit())


def test_only_the_importing_thread_is_kept_from_ending_the_process():
    code = """
import os
from djsb_core.foreign import contained_import
with contained_import("x"):
    from os import _exit
if os.fork() == 0:
    _exit(5)
_exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 5


def test_an_error_without_a_message_is_its_class():
    assert describe_error(ValueError()) == "ValueError"
    with pytest.raises(PluginFault, match="SystemExit: 7"), contained_import("x"):
        raise SystemExit(7)


@pytest.mark.parametrize("body", ["def evaluate(self): pass", "config_type = dict"])
def test_a_component_without_a_config_type_cannot_be_loaded(install, body):
    source = f"from djsb_core.api import DataEvaluator\nclass Bad(DataEvaluator):\n    {body}\n"
    install("evil", source, "[djsb.data_evaluators]\nbad = evil:Bad\n")
    with pytest.raises(PluginLoadError, match="evil:Bad has no config_type; set it to"):
        load_component(Kind.DATA_EVALUATOR, "bad")
