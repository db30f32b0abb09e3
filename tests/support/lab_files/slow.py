"""Components that take their time and count their executions, for the tests of interrupted runs."""

import json
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from djsb_lab import (
    Analyzer,
    ModelConfig,
    ModelScore,
    RecipeConfig,
    Refiner,
    RefinerConfig,
    TrainerConfig,
    texts,
)
from pydantic import Field

from djsb_core.api import ComponentConfig, DataExecutor, Hook, InputPath, ModelTrainExecutor

PARTS = 10
FILES = 4


class Pace(ComponentConfig):
    """What all of them are told."""

    seconds: float = Field(0.0, description="How long they take.")
    counter: str = Field("ran.txt", description="A file that gets a line each time one begins.")


class SlowRecipe(RecipeConfig, Pace):
    """A recipe, processed slowly."""


class SlowRefining(RefinerConfig, Pace):
    """A refinement that takes long."""


class SlowTraining(TrainerConfig, Pace):
    """A training that takes long."""


class SlowScoring(ModelConfig, Pace):
    """An evaluation that takes long."""


def count(component, word):
    with Path(component.config.counter).open("a") as file:
        file.write(f"{word}\n")


def rest(component):
    time.sleep(component.config.seconds / PARTS)


def work(component, word):
    count(component, word)
    for _ in range(PARTS):
        rest(component)


class SlowAnalyzer(Analyzer):
    """Lengths of the texts."""

    config_type = SlowRecipe

    def analyze(self):
        work(self, "probe")
        return super().analyze()


class SlowRefiner(Refiner):
    """Raise ``min_len`` to the mean."""

    config_type = SlowRefining

    def refine(self, recipe, statistics):
        work(self, "refine")
        return super().refine(recipe, statistics)


class SlowProcessor(DataExecutor[SlowRecipe]):
    """Keep the texts that are long enough; the result grows in parts."""

    config_type = SlowRecipe

    def execute(self):
        count(self, "process")
        least = self.config.process[0]["length_filter"]["min_len"]
        with self.config.export_path.open("w") as file:
            for _ in range(PARTS):
                for text in texts(self.config.dataset_path):
                    if len(text) >= least:
                        file.write(json.dumps({"text": text}) + "\n")
                file.flush()
                rest(self)
        return self.config.export_path


class SlowTrainer(ModelTrainExecutor[SlowTraining]):
    """Write a model of several files, in a process of its own."""

    config_type = SlowTraining

    def train(self):
        count(self, "train")
        folder = self.config.work_dir
        folder.mkdir(parents=True, exist_ok=True)
        seen = sorted(texts(self.config.train_dataset))
        for i in range(FILES):
            part = folder / f"shard-{i}" / "weights.bin"
            part.parent.mkdir(exist_ok=True)
            with part.open("wb") as file:
                file.write(b"half")
                file.flush()
                subprocess.run(["sleep", str(self.config.seconds / FILES)], check=True)
                file.write(bytes([i]) * 50_000)
            self.workspace.watcher.watch(1.0 / (i + 1), "loss", i)
        (folder / "weights.json").write_text(json.dumps(seen))
        return folder


class SlowScore(ModelScore):
    """Number of texts that the model has seen."""

    config_type = SlowScoring

    def evaluate(self):
        work(self, "score")
        return super().evaluate()


class TaskConfig(Pace):
    """Settings of the hook that works alone."""

    word: str = Field("task", description="What it counts and returns.")
    act: str = Field("work", description="Name of a method.")
    number: int = Field(0, description="How often, or how many bytes.")
    after: list[InputPath] = Field([], description="Files that are read.")


class Task(Hook[TaskConfig, object]):
    """A hook with several ways to end, or not to."""

    config_type = TaskConfig
    output_names = ("path",)

    def run(self, context):
        count(self, self.config.word)
        path = self.workspace.folder / "result.txt"
        seen = "".join(one.read_text() for one in self.config.after)
        getattr(self, self.config.act)()
        path.write_text(f"{seen}{self.config.word}\n")
        return (str(path),)

    def work(self):
        for _ in range(PARTS):
            rest(self)

    def hold(self):
        """Wait for the test; clean up when it is interrupted."""
        try:
            while Path("hold").exists():
                time.sleep(0.01)
        finally:
            count(self, f"{self.config.word} tidied")

    def stubborn(self):
        """Ignore what should end it, and start a process that nobody waits for."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        subprocess.Popen(["sh", "-c", "sleep 300; true"], start_new_session=True)
        count(self, f"{self.config.word} is deaf")
        self.hold()

    def stop_early(self):
        """Take an interrupt as the end of the work, as some trainers do."""
        with suppress(KeyboardInterrupt):
            self.hold()

    def too_long(self):
        subprocess.Popen(["sh", "-c", "sleep 300; true"], start_new_session=True)
        time.sleep(300)

    def fail(self):
        raise ValueError("it broke")

    def fail_at_first(self):
        tries = Path(self.config.counter).read_text().split().count(self.config.word)
        self.workspace.watcher.watch(float(tries), "tries")
        if tries <= self.config.number:
            self.workspace.watcher.watch(0.0, "only_of_failures")
            raise ValueError(f"try {tries} broke")

    def fill(self):
        """Write many bytes, as a checkpoint would be; without a number, all that fit."""
        with (self.workspace.folder / "big.bin").open("wb", buffering=0) as file:
            if self.config.number:
                file.writelines([bytes(self.config.number)])
                return
            with suppress(OSError):
                while True:
                    file.write(bytes(4096))
