import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from djsb_modelscope import process
from djsb_modelscope.job import Job, Mode
from djsb_modelscope.settings import TrainSettings

from djsb_core.api import ComponentError
from djsb_core.testing import RecordingWatcher

SEND = """
import json, os, sys
fd = {fd}
def send(**event):
    os.write(fd, (json.dumps(event) + "\\n").encode())
"""


@pytest.fixture
def job(tmp_path):
    return Job(
        mode=Mode.CAUSAL_LM,
        model=str(tmp_path),
        local=True,
        trainer_name=None,
        train_dataset=tmp_path,
        eval_dataset=None,
        text_key="text",
        key_remapping={},
        work_dir=tmp_path,
        train=TrainSettings(),
        max_length=None,
        packing=False,
        max_tokens=None,
        seed=0,
        resume=False,
        threads=3,
    )


@pytest.fixture
def worker(monkeypatch):
    """Let a few lines of Python stand in for the training process."""
    started = []

    def use(code):
        def start(file, sink, environment):
            command = [sys.executable, "-c", SEND.format(fd=sink) + code]
            started.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    pass_fds=(sink,),
                    env=environment,
                    start_new_session=True,
                )
            )
            return started[-1]

        monkeypatch.setattr(process, "_start", start)
        return started

    return use


def is_gone(started):
    """Its stdout ends only when the process and its children, which inherit it, are gone."""
    with started.stdout as output:
        return output.read() == b""


def test_metrics_and_result_arrive(job, worker, tmp_path):
    started = worker("send(metrics={'loss': 2.5}, step=1); send(metrics={'steps': 1}, step=None);"
        "send(result='/final')")  # fmt: skip
    watcher = RecordingWatcher()
    assert process.run_job(job, tmp_path, watcher) == Path("/final")
    assert watcher.metrics == [("loss", 2.5, 1), ("steps", 1, None)]
    assert is_gone(started[0])


def test_an_error_is_raised_as_it_was_said(job, worker, tmp_path):
    started = worker("send(error='no such thing'); import time; time.sleep(60)")
    with pytest.raises(ComponentError, match=r"^no such thing$"):
        process.run_job(job, tmp_path, RecordingWatcher())
    assert is_gone(started[0])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("os.kill(os.getpid(), 9)", "was killed; most likely the machine ran out of memory"),
        ("os.kill(os.getpid(), 11)", "ended with SIGSEGV"),
        ("os.write(fd, b'{\"metr'); sys.exit(3)", "ended with status 3 and no result"),
    ],
)
def test_a_process_that_dies_is_no_hang(job, worker, tmp_path, code, said):
    worker(code)
    with pytest.raises(ComponentError, match=said):
        process.run_job(job, tmp_path, RecordingWatcher())


def test_an_interruption_ends_the_process_and_its_children(job, worker, tmp_path):
    started = worker(
        "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        "send(metrics={'loss': 1}, step=1); import time; time.sleep(60)"
    )

    class Impatient(RecordingWatcher):
        def watch(self, value, name, step=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        process.run_job(job, tmp_path, Impatient())
    assert started[0].returncode == -signal.SIGKILL
    assert is_gone(started[0])


def test_the_process_is_told_to_stay_offline_only_for_a_local_model(job):
    assert process._environment(job)["HF_HUB_OFFLINE"] == "1"
    assert process._environment(job)["OMP_NUM_THREADS"] == "3"
    remote = process._environment(job.model_copy(update={"local": False}))
    assert remote.get("HF_HUB_OFFLINE") == os.environ.get("HF_HUB_OFFLINE")
