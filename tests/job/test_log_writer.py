"""The process that writes logs: what reaches the disk, and when."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from djsb_core.job.capture import capture_output
from djsb_core.job.log_client import LogClient

SECRET = "s3cret-value"  # noqa: S105


def wait_for(condition):
    until = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)
    return found


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log.txt"


@pytest.fixture
def run(log):
    """Return a function that starts a program which captures its own output."""
    started = []

    def start(body):
        code = "import os, sys, time, subprocess, faulthandler\nfrom pathlib import Path\n"
        code += "from djsb_core.job.capture import capture_output\n"
        code += f"with capture_output(Path({str(log)!r}), [{SECRET!r}]):\n"
        code += textwrap.indent(textwrap.dedent(body), "    ")
        started.append(subprocess.Popen([sys.executable, "-c", code], start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_nothing_secret_is_ever_on_the_disk(run, log):
    process = run(f"print({SECRET!r}, flush=True)\nprint('begun', flush=True)\ntime.sleep(60)")
    wait_for(lambda: log.exists() and "begun" in log.read_text())
    assert log.read_text() == "***\nbegun\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert log.read_text() == "***\nbegun\n"


def test_what_was_written_before_a_kill_is_there(run, log):
    run("os.write(1, b'x' * 100_000 + b' the end')\nos.kill(os.getpid(), 9)").wait()
    wait_for(lambda: log.read_text().endswith(" the end"))


def test_a_native_crash_is_in_the_log(run, log):
    run("faulthandler._sigsegv()").wait()
    wait_for(lambda: log.exists() and "Fatal Python error" in log.read_text())


def test_a_line_is_there_at_once_and_an_unfinished_one_after_a_moment(run, log):
    run("print('one')\nsys.stdout.write('50%')\nsys.stdout.flush()\ntime.sleep(60)")
    wait_for(lambda: log.exists() and log.read_text() == "one\n50%")


def test_a_process_that_outlives_the_job_still_writes(log, tmp_path):
    go = tmp_path / "go"
    code = (
        f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\nprint('late')"
    )
    with capture_output(log):
        child = subprocess.Popen([sys.executable, "-c", code])
        os.write(1, b"job\n")
    assert log.read_text() == "job\n"
    with capture_output(log):
        os.write(1, b"next job\n")
    go.touch()
    child.wait()
    wait_for(lambda: log.read_text() == "job\nnext job\nlate\n")


def test_a_forked_process_that_leaves_the_block_disturbs_nothing(run, log):
    run("os.write(1, b'both\\n')\nos.fork()").wait()
    wait_for(lambda: log.exists() and log.read_text() == "both\n")


def test_a_flood_is_written_whole_and_in_order(log):
    lines = "".join(f"line {number} {'x' * 80}\n" for number in range(30_000))
    with capture_output(log):
        rest = lines.encode()
        while rest:
            rest = rest[os.write(1, rest) :]
    assert log.read_text() == lines


def test_a_full_disk_is_an_error_after_the_job(log):
    with pytest.raises(OSError, match="No space left"), capture_output(Path("/dev/full")):
        os.write(1, b"text\n")
    with capture_output(log):  # the next one is not disturbed
        os.write(1, b"text\n")
    assert log.read_text() == "text\n"


def test_it_ends_with_its_client(tmp_path):
    client = LogClient.start()
    output = client.open(tmp_path / "log.txt", [])
    os.write(output, b"the rest")
    os.close(output)
    assert client.is_usable()
    client._socket.close()
    wait_for(lambda: (tmp_path / "log.txt").read_text() == "the rest")
    assert not client.is_usable()


def test_another_one_is_started_when_it_has_been_killed(log, monkeypatch):
    from djsb_core.job import log_client

    monkeypatch.setattr(log_client._OfProcess, "client", None)
    processes = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *a, **k: processes.append(popen(*a, **k)) or processes[-1]
    )
    for text in (b"one\n", b"two\n"):
        with capture_output(log):
            os.write(1, text)
        processes[-1].kill()
        processes[-1].wait()
    assert len(processes) == 2
    assert log.read_text() == "one\ntwo\n"


def test_a_log_is_for_its_owner_only(log):
    with capture_output(log):
        pass
    assert log.stat().st_mode & 0o777 == 0o600
