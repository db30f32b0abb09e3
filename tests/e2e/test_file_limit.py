"""A limit of file sizes, wherever it strikes: one message that names the file and the remedy."""

import os
import resource
import signal
import subprocess
import sys

import pytest

from djsb_core.errors import JobError, describe_cause

EXPERIMENT = """
work_dir: w
execution_job_configs:
- {hook: Task, meta_name: first, extra_configs: {word: first}}
- {hook: Task, meta_name: big, extra_configs: {word: big, act: fill, number: 5000000}}
"""
KB = 1024


@pytest.mark.parametrize("limit", [8, 48, 64, 80])
def test_a_run_under_a_limit(place, limit):
    made = place()
    made.write(EXPERIMENT)

    def restrict():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit * KB, resource.RLIM_INFINITY))

    code = "from djsb.cli import main; main()"
    command = [sys.executable, "-c", code, "run", "sandbox.yaml", "--workers", "0"]
    ran = subprocess.run(
        command,
        cwd=made.folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        preexec_fn=restrict,
        check=False,
    )
    assert ran.returncode in (1, 2), ran.stderr
    errors = [line for line in ran.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1, ran.stderr
    assert "raise the limit of file sizes (ulimit -f)" in errors[0]
    assert "Traceback" not in ran.stderr
    assert str(made.folder / "w") in ran.stderr or "w/djsb.sqlite" in ran.stderr
    made.succeed()
    assert made.ran()["first"] >= 1


def test_libraries_say_it_in_their_own_words():
    error = RuntimeError("SafetensorError: I/O error: File too large (os error 27)")
    text = str(JobError("'train'", error, "log.txt", files="/runs/1/files"))
    assert "raise the limit of file sizes" in text
    assert "\n  its files: /runs/1/files\n  its log: log.txt" in text
    assert "free disk space" in describe_cause(RuntimeError("write failed (os error 28)"))
    assert "its files" not in str(JobError("'j'", ValueError("x"), "log", files="/f"))
