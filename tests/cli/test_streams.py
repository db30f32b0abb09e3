"""Closed, full, ASCII-only streams and readers that leave: the exit code stays the command's."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from djsb.cli.streams import OutputStream

CLOSED = [">&-", "2>&- <&-", ">&- 2>&- <&-"]
FULL = "/dev/full"


@pytest.fixture
def shell(lab):
    """Return a function that runs a command line in a shell: exit code, stdout, stderr."""
    lab.write("good.yaml", lab.echo("text: one") + "project_name: größer → ½\n")
    lab.write("bad.yaml", "work_dir: w\nexecution_job_configs:\n- {hook: Ecko}\n")
    program = f"{shlex.quote(sys.executable)} -c 'from djsb.cli import main; main()'"
    paths = os.pathsep.join(filter(None, sys.path))

    def run(arguments, redirection="", **variables):
        ran = subprocess.run(
            ["bash", "-c", f"{program} {arguments} {redirection}; exit ${{PIPESTATUS[0]}}"],
            env={**os.environ, "PYTHONPATH": paths, **variables},
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in ran.stderr
        assert b"Exception ignored" not in ran.stderr
        return ran

    return run


@pytest.mark.parametrize("redirection", CLOSED)
def test_a_closed_stream_breaks_nothing(shell, redirection):
    assert shell("run good.yaml", redirection).returncode == 0
    for arguments in ("run good.yaml --workers 0 --force", "runs w", "--help"):
        ran = shell(arguments, redirection)
        assert ran.returncode == 0, ran.stderr
        assert bool(ran.stdout) is not redirection.startswith(">")
    assert shell("run bad.yaml", redirection).returncode == 2


@pytest.mark.skipif(not Path(FULL).exists(), reason="no full device")
def test_a_full_disk_behind_a_stream_is_a_sentence(shell):
    for stream in (f"> {FULL}", f"2> {FULL}", f"> {FULL} 2>&1"):
        assert shell("run good.yaml", stream).returncode == 0
        assert shell("validate bad.yaml", stream).returncode == 2
    ran = shell("runs w --json", f"> {FULL}")  # what it prints is its result
    assert ran.returncode == 1
    assert ran.stderr == b"Error: standard output cannot be written: No space left on device\n"
    assert shell("runs w", f"2> {FULL}").returncode == 0


def test_a_reader_may_leave(shell):
    assert shell("run good.yaml", "2>&1 | true").returncode == 0
    assert shell("run bad.yaml", "2>&1 | true").returncode == 2
    assert shell("runs w", "| true").returncode == 0


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "locale"],
)
def test_an_ascii_stream_gets_ascii(shell, variables):
    ran = shell("run good.yaml", **variables)
    assert (ran.returncode, ran.stderr.isascii()) == (0, True)
    assert b"j0 (Echo) ..." in ran.stderr
    ran = shell("runs w", **variables)
    assert (ran.returncode, ran.stdout.isascii()) == (0, True)
    assert rb"gr\xf6\xdfer -> \xbd" in ran.stdout


def test_what_another_encoding_lacks_is_replaced(tmp_path):
    file = tmp_path / "text"
    stream = OutputStream(file.open("wb"), "latin-1", line_buffering=False)
    stream.write("± 1 → 2 … 終\udcff")
    stream.close()
    assert file.read_bytes() == b"\xb1 1 -> 2 ... \\u7d42\\udcff"
