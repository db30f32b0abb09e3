"""Components that work on data: execute a recipe, analyze, refine, evaluate, manipulate pools."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from djsb_core.interfaces.component import Component, ConfigT, Scores
from djsb_core.metrics import Metric, MetricKind
from djsb_core.text_enum import TextEnum

if TYPE_CHECKING:
    from pathlib import Path

Recipe: TypeAlias = Mapping[str, Any]
"""A Data-Juicer processing config, as plain mappings, lists and scalars."""

Statistics: TypeAlias = Mapping[str, Mapping[str, float]]
"""For each per-sample statistic (``text_len``) its summary (``mean``, ``std``, ``min``, …)."""


class DataExecutor(Component[ConfigT]):
    """Process one dataset. In ``ProcessDataHook`` the config is the job's ``dj_configs``."""

    @abstractmethod
    def execute(self) -> Path | Sequence[Path]:
        """Process the dataset and return the path (or paths) of the result.

        :raises ComponentError: if the input cannot be read, or no sample is left
        """


@dataclass(frozen=True)
class Analysis:
    """What an analyzer found."""

    statistics: Statistics
    path: Path
    """The dataset with its per-sample statistics."""


class DataAnalyzer(Component[ConfigT]):
    """Measure one dataset without changing it. The config is the job's ``dj_configs``.

    The summaries that it returns are recorded as ``<statistic>.<summary>``. How the values of a
    statistic are distributed can be reported with ``watch_histogram`` under its bare name, and
    where they stand in the samples of the result, ``samples`` says.
    """

    metrics: ClassVar[Sequence[Metric]] = (
        Metric("*.mean", kind=MetricKind.STATISTIC, primary=True),
        *(
            Metric(f"*.{summary}", kind=MetricKind.STATISTIC)
            for summary in ("count", "std", "min", "max")
        ),
        Metric("*.*", kind=MetricKind.DETAIL),
    )

    @abstractmethod
    def analyze(self) -> Analysis:
        """Compute the per-sample statistics of the recipe's operators and sum them up.

        :raises ComponentError: if the input cannot be read or is empty
        """


class BoundSide(TextEnum):
    """Which values a bound drops."""

    LOWER = "lower"
    """Those below it."""
    UPPER = "upper"
    """Those above it."""


@dataclass(frozen=True)
class Change:
    """One argument of one operator that a refinement changed."""

    operator: str
    argument: str
    old: float | int | None
    new: float | int
    statistic: str | None = None
    """The statistic that it bounds, by the probe's name for it; ``None`` if it bounds none."""
    side: BoundSide | None = None
    """From which side it bounds the statistic."""


@dataclass(frozen=True)
class Refinement:
    """A refined recipe and what was changed in it."""

    recipe: Recipe
    changes: Sequence[Change] = field(default=())


class RecipeRefiner(Component[ConfigT]):
    """Change the arguments of a recipe's operators from what a probe saw."""

    @abstractmethod
    def refine(self, recipe: Recipe, statistics: Statistics) -> Refinement:
        """Return the refined recipe; the given one is not changed.

        :raises ComponentError: if the statistics lack what the recipe's operators need
        """


class DataEvaluator(Component[ConfigT]):
    """Score a dataset."""

    output_names: ClassVar[tuple[str, ...]] = ("scores",)

    @abstractmethod
    def evaluate(self) -> Scores:
        """Return the scores by metric name.

        :raises ComponentError: if nothing could be measured
        """

    def outputs(self, scores: Scores) -> tuple[Any, ...]:
        """Return what the job hands to later jobs, in the order of ``output_names``."""
        return (dict(scores),)


class DataPoolManipulator(Component[ConfigT]):
    """Build data pools from datasets or other pools."""

    @abstractmethod
    def manipulate(self) -> Sequence[Path]:
        """Write the pools and return their paths."""


class GeneralDataExecutor(Component[ConfigT]):
    """Any other step on data, such as a conversion to a trainer's format."""

    @abstractmethod
    def execute(self) -> Path | Sequence[Path]:
        """Do the step and return the path (or paths) of the result."""


class GeneralProbe(Component[ConfigT]):
    """Any other probe of data or model, such as a ranking of data pools."""

    @abstractmethod
    def probe(self) -> Any:  # noqa: ANN401 (free by design: later jobs take it as input)
        """Return what was found; a mapping of numbers also reaches the watcher."""
