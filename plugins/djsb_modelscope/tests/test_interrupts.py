"""A training in its job's process, ended by a signal and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from djsb import open_run

EPOCHS = 16


@pytest.fixture
def experiment(settings, tmp_path):
    """Write an experiment with one training, whose rows come from a process of their own."""
    train = {
        **settings["train"],
        "max_epochs": EPOCHS,
        "dataloader": {"batch_size_per_gpu": 8, "workers_per_gpu": 1},
        "checkpoint": {"period": {"save_strategy": "by_step", "interval": 50}},
    }
    extra = {**settings, "type": "modelscope", "work_dir": None, "resume": True, "train": train}
    job = {"hook": "TrainModelHook", "meta_name": "train", "extra_configs": extra}
    file = tmp_path / "sandbox.yaml"
    content = {"work_dir": "results", "execution_job_configs": [job]}
    file.write_text(json.dumps(content, default=str))  # JSON is YAML
    return file


def start(experiment):
    code = "from djsb.cli import main; main()"
    command = [sys.executable, "-c", code, "run", str(experiment)]
    return subprocess.Popen(
        command, cwd=experiment.parent, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def steps_of(experiment):
    metrics = open_run(where=experiment.parent / "results").metrics
    return [int(step) for step in metrics.loc[metrics["metric"] == "loss", "step"]]


@pytest.mark.slow
def test_ctrl_c_ends_the_training_and_it_goes_on_from_its_checkpoint(experiment):
    process = start(experiment)
    folder = experiment.parent / "results"
    while not list(folder.rglob("iter_100*.pth")):  # and so the one before is whole
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted after" in said
    seen = steps_of(experiment)
    assert seen == list(range(1, max(seen) + 1))
    assert not [path for path in folder.rglob("final*") if path.is_dir()]
    _, said = (second := start(experiment)).communicate(timeout=300)
    assert second.returncode == 0, said
    first, *_, last = steps_of(experiment)
    assert (first % 50, last) == (1, EPOCHS * 25)
    assert 50 < first <= len(seen) + 1, "from the newest checkpoint"
