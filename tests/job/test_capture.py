import os
import subprocess
import sys

import pytest

from djsb_core.job.capture import capture_output


def test_descriptors_and_processes_are_captured_and_given_back(tmp_path, capfd):
    log = tmp_path / "log.txt"
    with capture_output(log):
        os.write(1, b"out\n")
        os.write(2, b"err\n")
        subprocess.run([sys.executable, "-c", "print('process')"], check=True)
    os.write(1, b"after\n")
    assert log.read_text() == "out\nerr\nprocess\n"
    assert capfd.readouterr().out == "after\n"


def test_they_are_given_back_after_a_failure(tmp_path, capfd):
    with pytest.raises(KeyboardInterrupt), capture_output(tmp_path / "log.txt"):
        raise KeyboardInterrupt
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_captures_nest_and_append(tmp_path):
    for _ in range(2):
        with capture_output(tmp_path / "outer"):
            os.write(1, b"a")
            with capture_output(tmp_path / "inner"):
                os.write(1, b"b")
            os.write(1, b"c")
    assert (tmp_path / "outer").read_text() == "acac"
    assert (tmp_path / "inner").read_text() == "bb"


def test_no_descriptor_is_left_open(tmp_path):
    def count():
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    if not os.path.isdir("/proc/self/fd"):  # noqa: PTH112
        pytest.skip("no /proc here")
    with capture_output(tmp_path / "log.txt"):
        pass  # the process that writes logs stays
    before = count()
    for _ in range(20):
        with capture_output(tmp_path / "log.txt"):
            pass
    assert count() == before


def test_streams_that_are_closed_or_none_do_not_matter(tmp_path, monkeypatch):
    closed = open(os.devnull, "w")  # noqa: PTH123, SIM115
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", None)
    with capture_output(tmp_path / "log.txt"):
        os.write(1, b"x")
    assert (tmp_path / "log.txt").read_text() == "x"
