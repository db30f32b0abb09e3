"""Small components of every kind that the core's tests run experiments with."""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel, Field, model_validator

from djsb_core.api import (
    Analysis,
    BoundSide,
    Change,
    ComponentConfig,
    ComponentError,
    DataAnalyzer,
    DataEvaluator,
    DataExecutor,
    DataPoolManipulator,
    Flow,
    GeneralDataExecutor,
    GeneralProbe,
    Hook,
    InputPath,
    Metric,
    MetricKind,
    ModelEvaluator,
    ModelInferExecutor,
    ModelTrainExecutor,
    OutputPath,
    RecipeRefiner,
    Refinement,
    SampleLayout,
)


class RecipeConfig(ComponentConfig):
    """A recipe with one operator, ``length_filter``."""

    dataset_path: InputPath = Field(description="JSON Lines.")
    export_path: OutputPath | None = Field(None, description="The result.")
    np: int = Field(1, description="Processes.")
    project_name: str = Field("", description="Ignored.")
    process: list[dict[str, dict]] = Field(description="Operators.")


def texts(path):
    return [json.loads(line)["text"] for line in Path(path).read_text().splitlines()]


class Analyzer(DataAnalyzer[RecipeConfig]):
    """Lengths of the texts."""

    config_type = RecipeConfig

    def analyze(self):
        lengths = [len(text) for text in texts(self.config.dataset_path)]
        if not lengths:
            raise ComponentError(f"{self.config.dataset_path}: no sample; give at least one")
        path = self.workspace.folder / "stats.json"
        path.write_text(json.dumps(lengths))
        mean = sum(lengths) / len(lengths)
        summary = {"mean": mean, "33.3%": float(min(lengths)), "note": "text"}
        return Analysis({"text_len": summary}, path)


class Processor(DataExecutor[RecipeConfig]):
    """Keep the texts that are long enough."""

    config_type = RecipeConfig
    metrics = (
        Metric("rows_in", "rows", kind=MetricKind.COUNT, flow=Flow.GIVEN),
        Metric("rows_kept", "rows", kind=MetricKind.COUNT, flow=Flow.KEPT),
    )
    samples = SampleLayout(dataset="dataset_path", text="text")

    def execute(self):
        least = self.config.process[0]["length_filter"]["min_len"]
        found = texts(self.config.dataset_path)
        kept = [text for text in found if len(text) >= least]
        path = self.config.export_path or self.workspace.folder / "kept.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in kept))
        self.workspace.watcher.watch({"rows_in": len(found), "rows_kept": len(kept)}, "")
        return path


class RefinerConfig(ComponentConfig):
    """Settings of the refiner."""

    k: float = Field(1.0, description="Factor.")
    path_k_sigma_recipe: OutputPath | None = Field(None, description="The refined recipe.")


class Refiner(RecipeRefiner[RefinerConfig]):
    """Raise ``min_len`` to k times the mean."""

    config_type = RefinerConfig

    def refine(self, recipe, statistics):
        old = recipe["process"][0]["length_filter"].get("min_len")
        if old is None:
            return Refinement(recipe)
        new = statistics["text_len"]["mean"] * self.config.k
        refined = {**recipe, "process": [{"length_filter": {"min_len": new}}]}
        change = Change("length_filter", "min_len", old, new, "text_len", BoundSide.LOWER)
        return Refinement(refined, [change])


class Optimizer(BaseModel, extra="forbid"):
    """Settings of the optimizer."""

    lr: float = 0.1
    betas: list[float] = [0.9, 0.99]


class Train(BaseModel, extra="forbid"):
    """How to train."""

    max_epochs: int = 1
    optimizer: Optimizer = Optimizer()


class TrainerConfig(ComponentConfig):
    """Settings of the trainer."""

    train_dataset: InputPath = Field(description="JSON Lines.")
    work_dir: OutputPath | None = Field(None, description="The model's folder.")
    model_name: str = Field("tiny", description="Ignored.")
    train: Train = Field(Train(), description="How to train.")


class Trainer(ModelTrainExecutor[TrainerConfig]):
    """Write a model of one number, printing in every way that there is."""

    config_type = TrainerConfig
    metrics = (Metric("loss", higher_is_better=False),)

    def train(self):
        print("python speaks")  # noqa: T201
        print("python complains", file=sys.stderr)  # noqa: T201
        os.write(1, b"the descriptor speaks\n")
        subprocess.run([sys.executable, "-c", "print('a process speaks')"], check=True)
        ctypes.CDLL(None).puts(b"C speaks")
        for step in range(3):
            self.workspace.watcher.watch(1.0 / (step + 1), "loss", step)
        folder = self.config.work_dir or self.workspace.folder / "model"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "weights.json").write_text(json.dumps(sorted(texts(self.config.train_dataset))))
        return folder


class LengthsConfig(ComponentConfig):
    """Settings of the evaluator."""

    dataset_path: InputPath = Field(description="JSON Lines.")
    weights: list[float] | None = Field(None, description="One a sample.")


class Lengths(DataEvaluator[LengthsConfig]):
    """Mean length of a text."""

    config_type = LengthsConfig
    metrics = (Metric("mean_len", "characters", higher_is_better=True, primary=True),)

    def evaluate(self):
        lengths = [float(len(text)) for text in texts(self.config.dataset_path)]
        if not lengths:
            return {}
        self.workspace.watcher.watch_samples(lengths, "mean_len", self.config.weights)
        return {"mean_len": sum(lengths) / len(lengths)}


class ModelConfig(ComponentConfig):
    """Settings of what uses a model."""

    model_path: InputPath = Field(description="A trained model.")


class ModelScore(ModelEvaluator[ModelConfig]):
    """Number of texts that the model has seen."""

    config_type = ModelConfig
    metrics = (Metric("seen", "texts", kind=MetricKind.COUNT),)
    output_names = ("scores", "best")

    def evaluate(self):
        return {
            "seen": float(len(json.loads((self.config.model_path / "weights.json").read_text())))
        }

    def outputs(self, scores):
        return dict(scores), scores["seen"]


class Inference(ModelInferExecutor[ModelConfig]):
    """Write two files."""

    config_type = ModelConfig

    def infer(self):
        paths = [self.workspace.folder / name for name in ("a.txt", "b.txt")]
        for path in paths:
            path.write_text(path.name)
        return paths


class Pools(DataPoolManipulator[LengthsConfig]):
    """Copy the dataset into one pool."""

    config_type = LengthsConfig

    def manipulate(self):
        path = self.workspace.folder / "pool.jsonl"
        path.write_text(self.config.dataset_path.read_text())
        return [path]


class Conversion(GeneralDataExecutor[LengthsConfig]):
    """Write the texts as lines."""

    config_type = LengthsConfig

    def execute(self):
        path = self.workspace.folder / "lines.txt"
        path.write_text("\n".join(texts(self.config.dataset_path)))
        return path


class ProbeConfig(ComponentConfig):
    """Settings of the probe: what it finds."""

    found: object = Field({"score": 0.0, "nested": {"list": [1, 2]}}, description="The finding.")


class Findings(GeneralProbe[ProbeConfig]):
    """Return what the settings say."""

    config_type = ProbeConfig

    def probe(self):
        return self.config.found


class EchoConfig(ComponentConfig):
    """Settings of the hook that works alone."""

    text: str = Field("hello", description="What it returns and, with ``out``, writes.")
    number: int | None = Field(None, description="Any number.")
    train: Train = Field(Train(), description="Nested settings.")
    mode: str = Field("echo", description="echo, raise, exit, interrupt, bad_input, two_values.")
    file: InputPath | None = Field(None, description="A file that is read.")
    files: list[InputPath] = Field([], description="Files that are read.")
    out: OutputPath | None = Field(None, description="A file that is written.")
    missing: str = Field("", description="What ``check`` says.")
    either: int | None = Field(None, description="Give this ...")
    other: int | None = Field(None, description="... or this, unless both are absent.")
    counter: str = Field("", description="A file that gets a line each time the hook runs.")

    @model_validator(mode="after")
    def _not_both(self):
        if self.either is None and self.other == 0:
            raise ValueError("other must not be 0 without either")
        return self


class Echo(Hook[EchoConfig, object]):
    """A hook that uses no component."""

    asks_for_metrics = False
    config_type = EchoConfig
    output_names = ("text",)

    def check(self):
        return [self.config.missing] if self.config.missing else []

    def warnings(self):
        return ["it will take long"] if self.config.text == "long" else []

    def run(self, context):
        config = self.config
        if config.counter:
            with Path(config.counter).open("a") as file:
                file.write("ran\n")
        if config.mode == "raise":
            raise ValueError("it broke")
        if config.mode == "exit":
            raise SystemExit(3)
        if config.mode == "interrupt":
            signal.raise_signal(signal.SIGINT)
        if config.mode == "raise_interrupt":
            raise KeyboardInterrupt
        if config.mode == "bad_input":
            raise ComponentError("data.jsonl:3: no field 'text'; fields: words")
        if config.mode == "two_values":
            return config.text, config.text
        text = config.file.read_text() if config.file else config.text
        if config.out:
            config.out.write_text(text)
            return (str(config.out),)
        return (text,)


class Ask(Hook[EchoConfig, object]):
    """A hook that asks for the metrics of the job that ``text`` names."""

    config_type = EchoConfig
    output_names = ("metrics",)

    def run(self, context):
        return (dict(context.query(self.config.text)),)
