"""Components with the names of the published configs; each does the least that its name says."""

import json
from pathlib import Path

from pydantic import ConfigDict, Field

from djsb_core.api import (
    Analysis,
    ComponentConfig,
    DataAnalyzer,
    DataEvaluator,
    DataExecutor,
    DataPoolManipulator,
    GeneralDataExecutor,
    GeneralProbe,
    InputPath,
    ModelEvaluator,
    ModelInferExecutor,
    ModelTrainExecutor,
    OutputPath,
    RecipeRefiner,
    Refinement,
)


def rows(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def write(path, found):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path


class Config(ComponentConfig):
    """Takes any setting; the paths that all have are looked up."""

    model_config = ConfigDict(extra="allow")

    dataset_path: InputPath | list[InputPath] | None = Field(None, description="Read.")
    export_path: OutputPath | None = Field(None, description="Written.")

    @property
    def datasets(self):
        return self.dataset_path if isinstance(self.dataset_path, list) else [self.dataset_path]

    def setting(self, name):
        return self.model_extra[name]


class Base:
    """Where results go: where the config says, else into the job's folder."""

    config_type = Config

    def place(self, name):
        return (self.config.export_path or self.workspace.folder) / name


class Executor(Base, DataExecutor):
    """Keep every row; write two new prompts for each prompt, the second one better."""

    def execute(self):
        found = rows(self.config.dataset_path)
        if "optimize_prompt_mapper" in self.config.setting("process")[0]:
            found += [{"prompt": row["prompt"] + "!" * n} for row in found for n in (1, 2)]
        return write(self.config.export_path or self.place("kept.jsonl"), found)


class Analyzer(Base, DataAnalyzer):
    """Length of the rows."""

    def analyze(self):
        found = rows(self.config.datasets[0])
        path = write(self.config.export_path or self.place("stats.jsonl"), found)
        mean = sum(len(str(row)) for row in found) / len(found)
        return Analysis({"text_len": {"mean": mean, "std": 0.0}}, path)


class RefinerConfig(ComponentConfig):
    """Settings of the refiner."""

    path_k_sigma_recipe: OutputPath | None = Field(None, description="The refined recipe.")


class Refiner(RecipeRefiner[RefinerConfig]):
    """Leave the recipe as it is."""

    config_type = RefinerConfig

    def refine(self, recipe, statistics):
        return Refinement(recipe)


class Construction(Base, DataPoolManipulator):
    """Each row is a pool."""

    def manipulate(self):
        found = [row for path in self.config.datasets for row in rows(path)]
        return [write(self.place(f"pool_{i}.jsonl"), [row]) for i, row in enumerate(found)]


class CartesianJoinConfig(ComponentConfig):
    """Settings of the join."""

    dataset_path_1: list[InputPath] = Field(description="Pools.")
    dataset_path_2: list[InputPath] = Field(description="Datasets.")
    export_path: OutputPath = Field(description="Written.")


class CartesianJoin(DataPoolManipulator):
    """Each row of a pool with each row of each dataset."""

    config_type = CartesianJoinConfig

    def manipulate(self):
        others = [row for path in self.config.dataset_path_2 for row in rows(path)]
        return [
            write(
                self.config.export_path / path.name,
                [{**row, **other} for row in rows(path) for other in others],
            )
            for path in self.config.dataset_path_1
        ]


class Merging(Base, DataPoolManipulator):
    """All rows in one file, or in the folder that is named."""

    def manipulate(self):
        target = self.config.export_path
        path = target if target.suffix else target / "merged.jsonl"
        return [write(path, [row for one in self.config.datasets for row in rows(one)])]


class Ranking(Base, GeneralProbe):
    """The best pools by one score."""

    def probe(self):
        key, scores = self.config.setting("ranking_keys")[0], self.config.setting("metrics")
        if isinstance(scores, dict):  # of one model for all pools
            scores = [scores] * len(self.config.datasets)
        pairs = zip(scores, self.config.datasets, strict=True)
        order = sorted(pairs, key=lambda pair: (pair[0][key], str(pair[1])))
        return [str(path) for _, path in order[: self.config.setting("top_n")]]


class Conversion(Base, GeneralDataExecutor):
    """Write one file for each dataset."""

    def execute(self):
        return [
            write(self.place(f"converted_{i}.jsonl"), rows(path))
            for i, path in enumerate(self.config.datasets)
        ]


class TrainerConfig(Config):
    """What the trainers name for their models."""

    work_dir: OutputPath | None = Field(None, description="The model's folder.")
    meta_paths: list[InputPath] | InputPath | None = Field(None, description="Read.")


class Trainer(ModelTrainExecutor[TrainerConfig]):
    """Write a model that knows its settings."""

    config_type = TrainerConfig

    def train(self):
        folder = self.config.work_dir or self.workspace.folder / "model"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "settings.json").write_text(self.config.model_dump_json())
        return folder


class Grader(Base, ModelInferExecutor):
    """Grade answers: the more exclamation marks in the prompt, the nearer to the truth."""

    def infer(self):
        key = self.config.setting("infer_res_key")
        return [
            write(self.place(path.name), [{**row, key: self.grade(row)} for row in rows(path)])
            for path in self.config.datasets
        ]

    @staticmethod
    def grade(row):
        return row["truth"] + 1 / (1 + row["prompt"].count("!"))


class Videos(Base, ModelInferExecutor):
    """Write one file."""

    def infer(self):
        return write(self.workspace.folder / "video.txt", [{"video": 1}])


class Score(Base, DataEvaluator):
    """The same for all."""

    def evaluate(self):
        return {"score": 0.5}


class ModelScore(Base, ModelEvaluator):
    """The same for all."""

    def evaluate(self):
        return {"avg_score": 0.5}
