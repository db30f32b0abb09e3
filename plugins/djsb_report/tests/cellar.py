"""A plugin of someone else: no name in it is one that djsb, its plugins or Data-Juicer use."""

import json
from statistics import fmean

from pydantic import Field

from djsb_core.api import (
    Analysis,
    BoundSide,
    Change,
    Component,
    ComponentConfig,
    DataAnalyzer,
    DataExecutor,
    Flow,
    Hook,
    InputPath,
    Metric,
    MetricKind,
    ModelEvaluator,
    ModelTrainExecutor,
    RecipeRefiner,
    Refinement,
    Role,
    SampleLayout,
)

BOTTLES = SampleLayout(dataset="bottles", text="note", statistics="~facts", added=("~",))


class Recipe(ComponentConfig):
    """What to do with the bottles."""

    bottles: InputPath = Field(description="JSON Lines.")
    process: list[dict[str, dict]] = Field(description="Gates.")


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path, bottles):
    path.write_text("".join(json.dumps(bottle) + "\n" for bottle in bottles))
    return path


class Sommelier(DataAnalyzer[Recipe]):
    """Tastes every bottle."""

    config_type = Recipe
    samples = BOTTLES

    def analyze(self):
        bottles = read(self.config.bottles)
        acids = [float(len(bottle["note"])) for bottle in bottles]
        self.workspace.watcher.watch_histogram(acids, "acidity")
        tasted = [
            {**bottle, "~facts": {"acidity": acid}}
            for bottle, acid in zip(bottles, acids, strict=True)
        ]
        summary = {"count": len(acids), "mean": fmean(acids), "min": min(acids), "max": max(acids)}
        path = write(self.workspace.folder / "tasted.jsonl", tasted)
        return Analysis({"acidity": summary}, path)


class NoSettings(ComponentConfig):
    """No settings."""


class Cellarer(RecipeRefiner[NoSettings]):
    """Lets nothing pass that is sourer than the mean."""

    config_type = NoSettings

    def refine(self, recipe, statistics):
        ceiling = statistics["acidity"]["mean"]
        old = recipe["process"][0]["sour_gate"]["ceiling"]
        refined = {**recipe, "process": [{"sour_gate": {"ceiling": ceiling}}]}
        change = Change("sour_gate", "ceiling", old, ceiling, "acidity", BoundSide.UPPER)
        return Refinement(refined, [change])


class Decanter(DataExecutor[Recipe]):
    """Pours away what is too sour."""

    config_type = Recipe
    samples = BOTTLES
    metrics = (
        Metric("poured", "bottles", kind=MetricKind.COUNT, flow=Flow.GIVEN),
        Metric("filled", "bottles", kind=MetricKind.COUNT, flow=Flow.KEPT),
        Metric("past:*", "bottles", kind=MetricKind.DETAIL, flow=Flow.STEP),
    )

    def execute(self):
        bottles = read(self.config.bottles)
        ceiling = self.config.process[0]["sour_gate"]["ceiling"]
        kept = [bottle for bottle in bottles if len(bottle["note"]) <= ceiling]
        counts = {"poured": len(bottles), "past:sour_gate": len(kept), "filled": len(kept)}
        self.workspace.watcher.watch(counts, "")
        return write(self.workspace.folder / "decanted.jsonl", kept)


class Barrel(ComponentConfig):
    """What lies in the barrel."""

    bottles: InputPath = Field(description="JSON Lines.")


class Cooper(ModelTrainExecutor[Barrel]):
    """Lets the wine age."""

    config_type = Barrel
    metrics = (
        Metric("regret", "sighs", higher_is_better=False),
        Metric("warmth", kind=MetricKind.DETAIL),
        Metric("litres", "litres", kind=MetricKind.COUNT, primary=True),
    )

    def train(self):
        bottles = read(self.config.bottles)
        for year in range(1, 6):
            self.workspace.watcher.watch({"regret": 1 / year, "warmth": 12.0}, "", year)
        self.workspace.watcher.watch(100, "litres")
        return write(self.workspace.folder / "barrel.jsonl", bottles)


class Glass(ComponentConfig):
    """What is in the glass."""

    barrel: InputPath = Field(description="A barrel.")


class Taster(ModelEvaluator[Glass]):
    """Tastes forty glasses of a barrel."""

    config_type = Glass
    metrics = (
        Metric("delight", "smiles", higher_is_better=True, primary=True),
        Metric("doubt", kind=MetricKind.ERROR, error_of="delight"),
        Metric("thirst", kind=MetricKind.DETAIL),
    )

    def evaluate(self):
        sourness = fmean(len(bottle["note"]) for bottle in read(self.config.barrel))
        glasses = [1 / sourness + 0.0001 * (i % 7) for i in range(40)]
        self.workspace.watcher.watch_samples(glasses, "delight")
        return {"delight": fmean(glasses), "doubt": sourness, "thirst": sourness}


class TastingHook(Hook[ComponentConfig, Component]):
    """Hands a glass to a taster, in a stage of its own choosing."""

    role = Role.EVALUATE
    output_names = ("delight",)
    metrics = (Metric("applause", "hands", higher_is_better=True),)

    def run(self, context):
        loud = 2.0 if context.meta_name.endswith("after") else 1.0
        context.watcher.watch(loud, "applause")
        return (loud,)
