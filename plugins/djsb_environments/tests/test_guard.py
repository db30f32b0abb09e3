"""The process that keeps a manager's command from outliving djsb."""

import signal
import subprocess
import sys
import time

import pytest

from djsb_environments import guard

from .conftest import processes_naming


def start(folder, *command):
    return subprocess.Popen(
        [sys.executable, "-I", "-S", guard.__file__, folder, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 128 + signal.SIGKILL)],
)
def test_the_exit_code_is_that_of_the_command(tmp_path, command, status):
    with start(tmp_path, "sh", "-c", f"echo said; {command}") as process:
        assert process.stdout.read() == "said\n"
    assert process.returncode == status
    assert tmp_path.exists()


def test_a_command_that_is_not_there_is_named(tmp_path):
    with start(tmp_path, "/no/such-command") as process:
        assert process.stdout.read() == "/no/such-command: No such file or directory\n"
    assert process.returncode == guard.NOT_STARTED


def test_the_command_reads_nothing(tmp_path):
    with start(tmp_path, "cat") as process:
        assert process.stdout.read() == ""
    assert process.returncode == 0


def test_when_the_lifeline_is_cut_all_ends_and_the_folder_is_gone(tmp_path):
    folder = tmp_path / "environment"
    script = f"mkdir -p {folder}/bin; sleep 301 & echo ready; sleep 302"
    with start(folder, "sh", "-c", script) as process:
        assert process.stdout.readline() == "ready\n"
        process.stdin.close()
        assert process.wait(10) == 128 + signal.SIGKILL
    assert not folder.exists()
    end = time.monotonic() + 10
    while processes_naming(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_naming(folder) == []
