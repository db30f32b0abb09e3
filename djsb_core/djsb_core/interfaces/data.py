"""Components that work on data: execute a recipe, analyze, refine, evaluate, manipulate pools."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from djsb_core.interfaces.component import Component, ConfigT, Scores
from djsb_core.metrics import Metric, MetricKind

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_core.interfaces.bounds import BoundSide

Recipe: TypeAlias = Mapping[str, Any]
"""A Data-Juicer processing config, as plain mappings, lists and scalars."""

Statistics: TypeAlias = Mapping[str, Mapping[str, float]]
"""For each per-sample statistic (``text_len``) its summary (``mean``, ``std``, ``min``, …)."""


class DataExecutor(Component[ConfigT]):
    """Process one dataset. In ``ProcessDataHook`` the config is the job's ``dj_configs``."""

    @abstractmethod
    def execute(self) -> Path | Sequence[Path]:
        """Process the dataset and return the path (or paths) of the result.

        :raises ComponentError: if the input cannot be read, or no sample remains
        """


@dataclass(frozen=True)
class Analysis:
    """The result of an analyzer."""

    statistics: Statistics
    path: Path
    """The dataset with its per-sample statistics."""


class DataAnalyzer(Component[ConfigT]):
    """Measure one dataset without changing it. The config is the job's ``dj_configs``.

    The summaries that it returns are recorded as ``<statistic>.<summary>``. The distribution of a
    statistic can be reported with ``watch_histogram`` under its bare name; ``samples`` declares
    which field of the result's samples holds the values.
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
        """Compute the per-sample statistics of the recipe's operators and summarize them.

        :raises ComponentError: if the input cannot be read or is empty
        """


@dataclass(frozen=True)
class Change:
    """A change of one operator argument by a refinement."""

    operator: str
    argument: str
    old: float | int | None
    new: float | int
    statistic: str | None = None
    """The probe's name of the statistic that it bounds; ``None`` if it bounds none."""
    side: BoundSide | None = None
    """The side from which it bounds the statistic."""


@dataclass(frozen=True)
class Refinement:
    """A refined recipe and its changes."""

    recipe: Recipe
    changes: Sequence[Change] = field(default=())


class RecipeRefiner(Component[ConfigT]):
    """Change the arguments of a recipe's operators based on the results of a probe."""

    @abstractmethod
    def refine(self, recipe: Recipe, statistics: Statistics) -> Refinement:
        """Return the refined recipe; the input is not changed.

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
        """Return the job's outputs, in the order of ``output_names``."""
        return (dict(scores),)


class DataPoolManipulator(Component[ConfigT]):
    """Build data pools from datasets or other pools."""

    @abstractmethod
    def manipulate(self) -> Sequence[Path]:
        """Write the pools and return their paths."""


class GeneralDataExecutor(Component[ConfigT]):
    """Any other data step, such as a conversion to a trainer's format."""

    @abstractmethod
    def execute(self) -> Path | Sequence[Path]:
        """Run the step and return the path (or paths) of the result."""


class GeneralProbe(Component[ConfigT]):
    """Any other probe of data or a model, such as a ranking of data pools."""

    @abstractmethod
    def probe(self) -> Any:  # noqa: ANN401 (any type by design: later jobs take it as input)
        """Return the result; the numbers of a mapping are also recorded as metrics."""
