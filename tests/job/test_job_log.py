import os
from pathlib import Path

import pytest

from djsb_core.job.job_log import job_log


def fail(text):
    os.write(1, b"words\n")
    raise ValueError(text)


def test_the_output_and_then_the_traceback(tmp_path):
    log = tmp_path / "log.txt"
    with pytest.raises(ValueError, match="it broke"), job_log(log):
        fail("it broke \udcff")
    text = log.read_text()
    assert text.startswith("words\n\nTraceback (most recent call last):\n")
    assert text.endswith("ValueError: it broke \\udcff\n")


def test_success_adds_nothing(tmp_path):
    with job_log(tmp_path / "log.txt"):
        pass
    assert (tmp_path / "log.txt").read_text() == ""


def test_a_full_disk_does_not_hide_the_failure():
    with pytest.raises(SystemExit), job_log(Path("/dev/full")):
        raise SystemExit(3)
