"""A corpus, a small model, and one training that many tests look at."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from djsb_core.api import ComponentError, Workspace
from djsb_core.testing import RecordingWatcher
from djsb_modelscope.executor import ModelscopeTrainConfig, ModelscopeTrainExecutor
from djsb_modelscope.scratch import CausalLmFromScratchConfig, make_folder

# Writes down and refuses whatever leaves the machine; imported by every Python process at start.
NO_NETWORK = """
import os, socket
def refuse(*arguments, **options):
    if arguments and isinstance(arguments[0], socket.socket):
        if arguments[0].family == socket.AF_UNIX:
            return connect(*arguments)
    with open(os.environ["NETWORK_LOG"], "a") as log:
        log.write(repr(arguments) + "\\n")
    raise OSError("no network in this test")
connect = socket.socket.connect
socket.socket.connect = refuse
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
"""


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Two files of made-up sentences, each word followed by one of four: learnable, not trivial."""
    rng = random.Random(1)  # noqa: S311 (made-up text)
    words = ["".join(rng.choices("bcdfglmnprst", k=2)) + rng.choice("aeiou") for _ in range(150)]
    following = {word: rng.choices(words, k=4) for word in words}
    folder = tmp_path_factory.mktemp("corpus")
    for name, rows in (("train", 200), ("held_out", 40)):
        with (folder / f"{name}.jsonl").open("w") as file:
            for _ in range(rows):
                text = [rng.choice(words)]
                for _ in range(rng.randint(5, 40)):
                    text.append(rng.choice(following[text[-1]]))
                file.write(json.dumps({"text": " ".join(text) + "."}) + "\n")
    return folder


@pytest.fixture(scope="session")
def untrained(corpus, tmp_path_factory):
    """A GPT-2 of 2 layers x 64."""
    folder = tmp_path_factory.mktemp("models") / "untrained"
    config = CausalLmFromScratchConfig(
        dataset_path=corpus / "train.jsonl",
        vocab_size=400,
        layers=2,
        hidden_size=64,
        heads=2,
        context_length=128,
    )
    make_folder(config, folder)
    return folder


@pytest.fixture
def job(corpus, untrained):
    """A training with three threads."""
    data = corpus / "train.jsonl"
    config = ModelscopeTrainConfig(train_dataset=data, model_name=str(untrained), threads=3)
    return ModelscopeTrainExecutor(config)._create_job()


class FlatWatcher(RecordingWatcher):
    """Keeps each metric of a mapping by its own name, as the store does."""

    def watch(self, value, name, step=None):
        metrics = value if isinstance(value, Mapping) else {name: value}
        for key, item in metrics.items():
            super().watch(item, key, step)


@dataclass
class Training:
    """A finished training."""

    settings: dict
    folder: Path
    watcher: RecordingWatcher
    network_log: Path

    def curve(self, name):
        return {step: value for key, value, step in self.watcher.metrics if key == name and step}

    def total(self, name):
        return [v for key, v, step in self.watcher.metrics if key == name and step is None][-1]


@pytest.fixture(scope="session")
def train():
    """Return a function that trains in this process: settings, the job's folder, a watcher."""
    return _train


@pytest.fixture(scope="session")
def train_alone():
    """Return a function that trains in a new process, as djsb does: settings, the job's folder."""
    return _train_alone


def _train(settings, job_folder, watcher=None):
    watcher = watcher or FlatWatcher()
    job_folder.mkdir(exist_ok=True, parents=True)
    config = ModelscopeTrainConfig(**settings)
    return ModelscopeTrainExecutor(config, Workspace(job_folder, watcher)).train(), watcher


def _train_alone(settings, job_folder):
    job_folder.mkdir(exist_ok=True, parents=True)
    (job_folder / "settings.json").write_text(json.dumps(settings, default=str))
    script = Path(__file__).with_name("train_alone.py")
    command = [sys.executable, str(script), str(job_folder / "settings.json"), str(job_folder)]
    ended = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True)
    if ended.returncode:
        raise ComponentError(ended.stderr.splitlines()[-1])
    folder, reported = json.loads((job_folder / "reported.json").read_text())
    watcher = FlatWatcher()
    for name, value, step in reported:
        watcher.watch(value, name, step)
    return Path(folder), watcher


@pytest.fixture(scope="session")
def settings(corpus, untrained, tmp_path_factory):
    """Four epochs of 25 steps, with all that ModelScope can do besides."""
    return {
        "train_dataset": corpus / "train.jsonl",
        "eval_dataset": corpus / "held_out.jsonl",
        "work_dir": tmp_path_factory.mktemp("work"),
        "model_name": str(untrained),
        "trainer_name": "nlp-base-trainer",
        "key_remapping": {"text": "src_txt"},
        "max_length": 64,
        "threads": 1,
        "train": {
            "max_epochs": 4,
            "optimizer": {"type": "AdamW", "lr": "3e-3"},
            "lr_scheduler": {
                "type": "StepLR",
                "step_size": 10,
                "gamma": 0.8,
                "options": {"by_epoch": False},
            },
            "dataloader": {"batch_size_per_gpu": 8, "workers_per_gpu": 0},
            "checkpoint": {"period": {"save_strategy": "by_step", "interval": 7}},
            "evaluation": {"period": {"interval": 2}},
        },
    }


@pytest.fixture(scope="session")
def network_guard(tmp_path_factory):
    """Environment in which a Python process can reach nothing, and its log."""
    folder = tmp_path_factory.mktemp("guard")
    (folder / "sitecustomize.py").write_text(NO_NETWORK)
    log = folder / "log.txt"
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "NETWORK_LOG": str(log)}, log


@pytest.fixture(scope="session")
def trained(settings, network_guard, tmp_path_factory):
    """The one training, without a network."""
    environment, log = network_guard
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        folder, watcher = _train_alone(settings, tmp_path_factory.mktemp("job"))
    return Training(settings, folder, watcher, log)


@pytest.fixture
def guarded(network_guard, monkeypatch):
    """Keep the processes that a test starts off the network; return the log of what they tried."""
    environment, log = network_guard
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    yield log
    log.unlink(missing_ok=True)
