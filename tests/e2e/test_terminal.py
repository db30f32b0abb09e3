"""Control characters are planted in every text; no command sends one to a terminal."""

import json
import os
import pty
import re
import subprocess
import sys

import pytest

BAD = "\x1b]0;owned\x07\r\x9b31m\u202e\x7f\x08"
NAME = "\x1b]0;owned\x07\x9b31m\u202e\x7f\x08"
"""For names without blanks."""

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

COMPONENTS = r'''
    import sys
    from djsb_core.api import ComponentConfig, Hook, Metric, RequestError

    BAD = "\x1b]0;owned\x07\r\x9b31m\u202e\x7f\x08"

    class ShoutConfig(ComponentConfig):
        text: str = ""
        fail: str = ""

    class Shout(Hook[ShoutConfig, object]):
        """First line \x1b]0;owned\x07 \x9b31m of the help."""

        config_type = ShoutConfig
        output_names = ("said",)
        asks_for_metrics = False
        metrics = (Metric("score", BAD, higher_is_better=True, primary=True),)

        def run(self, context):
            print("log", BAD)
            context.watcher.watch({f"name {BAD}": 1.0, "score": 2.0, "text": BAD}, "m")
            context.watcher.watch_samples([1.0, 2.0], f"samples {BAD}")
            for step in range(3):
                context.watcher.watch(float(step), f"series {BAD}", step)
            if self.config.fail == "known":
                raise RequestError(f"it broke {BAD}")
            if self.config.fail:
                raise ValueError(f"it broke {BAD}")
            return ({f"key {BAD}": BAD},)

        def check(self):
            return [f"problem {BAD}"] if self.config.text == "problem" else []
'''


@pytest.fixture
def loud(lab, install):
    install("loud", COMPONENTS, "[djsb.hooks]\nShout = loud:Shout\nmis\x1b]0;x\x07sing = loud:None")
    return lab


def experiment(**changes):
    settings = {"text": BAD, "fail": ""} | changes
    job = {"hook": "Shout", "meta_name": f"job{NAME}", "extra_configs": settings}
    return json.dumps(
        {
            "project_name": f"project {BAD}",
            "experiment_name": f"name {BAD}",
            "work_dir": f"w{NAME}",
            "pipelines": {f"pipe{NAME}": {"execution_job_configs": [job]}},
        }
    )


def check(ran):
    for output in (ran.stdout, ran.stderr):
        found = CONTROLS.search(output)
        assert found is None, f"{ran.args[3:]}: {output[max(0, found.start() - 60) :][:100]!r}"
    return ran


FILE = f"file{NAME}.json"


def test_nothing_that_a_command_prints_is_obeyed(loud):
    loud.write(FILE, experiment())
    work = f"w{NAME}"
    for workers in ("0", "1"):
        ran = check(loud.djsb("run", FILE, "--workers", workers, "--force"))
        assert ran.returncode == 0, ran.stderr
    assert r"\u001b]0;owned" in ran.stderr
    for fail in ("known", "other"):
        loud.write(f"failing{NAME}.json", experiment(fail=fail))
        failed = check(loud.djsb("run", f"failing{NAME}.json"))
        assert failed.returncode == 1
        assert r"it broke \u001b]0;owned" in failed.stderr
    job = f"pipe{NAME}.job{NAME}"
    for command in [
        ["validate", FILE],
        ["run", FILE, "--dry-run"],
        ["runs", work],
        ["runs", work, "--csv"],
        ["show", "last", work],
        ["show", "last", job, work],
        ["show", "last~2", job, work],
        ["compare", "last~2", "last~3", work],
        ["cache", "ls", work],
        ["cache", "why", job, work],
        ["list-components"],
        ["doctor", FILE],
        ["report", "last", work],
        ["run", FILE, "--set", f"a{NAME}=1"],
        ["show", f"no{NAME}", work],
        ["run", f"no{NAME}"],
        [f"no{NAME}"],
        ["run", f"--no{NAME}"],
    ]:
        check(loud.djsb(*command))


def test_escapes_in_json_mean_what_was_there(loud):
    loud.write(FILE, experiment())
    assert loud.djsb("run", FILE, "--workers", "0").returncode == 0
    shown = check(loud.djsb("show", "last", f"w{NAME}", "--json"))
    (job,) = json.loads(shown.stdout)["jobs"]
    assert job["meta_name"] == f"job{NAME}"
    assert job["metrics"]["m.text"] == BAD


@pytest.mark.parametrize(
    "text",
    [
        f"a{NAME}: 1",
        '"a\\e]0;x\\a": 1',
        '{"execution_job_configs": [{"hook": "no\\u001b]0;x\\u0007"}]}',
        f"work_dir: [\n{NAME}",
    ],
)
def test_nor_is_what_a_message_quotes(loud, text):
    loud.write(FILE, text)
    for command in (["validate", FILE], ["validate", FILE, "--json"], ["run", FILE]):
        assert check(loud.djsb(*command)).returncode == 2


def test_on_a_terminal(loud):
    """There the live lines have escape sequences of their own."""
    loud.write(FILE, experiment())
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from djsb.cli import main; main()", "run", FILE],
        stdout=follower,
        stderr=follower,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TERM": "xterm"},
    )
    os.close(follower)
    output = b""
    try:
        while piece := os.read(leader, 1 << 16):
            output += piece
    except OSError:  # the end of a terminal
        pass
    os.close(leader)
    assert process.wait() == 0
    text = output.decode()
    assert "owned" in text
    assert not re.search("\x1b\\]|[\x07\x08\x7f-\x9f\u202a-\u202e]", text)
