"""Components that work on a model: train it, infer with it, evaluate it."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from djsb_core.interfaces.component import Component, ConfigT, Scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ModelTrainExecutor(Component[ConfigT]):
    """Train or fine-tune one model, or one per dataset."""

    @abstractmethod
    def train(self) -> Path | Sequence[Path]:
        """Train to the end and return the folder (or folders) of the trained model.

        Reports its objective (such as ``loss``; the first metric that it declares with a direction)
        and other values of the backend with ``self.workspace.watcher.watch(value, name, step)``
        while it runs. Its primary counts state how much data was used.

        :raises ComponentError: if the data or the model cannot be used, or training failed
        """


class ModelInferExecutor(Component[ConfigT]):
    """Run one model over a dataset."""

    @abstractmethod
    def infer(self) -> Path | Sequence[Path]:
        """Run the model and return the path (or paths) of its outputs."""


class ModelEvaluator(Component[ConfigT]):
    """Score a model."""

    output_names: ClassVar[tuple[str, ...]] = ("scores",)

    @abstractmethod
    def evaluate(self) -> Scores:
        """Return the scores by metric name.

        Per-sample values go to ``self.workspace.watcher.watch_samples`` so that two models can be
        compared sample by sample.

        :raises ComponentError: if the model or the data cannot be used
        """

    def outputs(self, scores: Scores) -> tuple[Any, ...]:
        """Return the job's outputs, in the order of ``output_names``."""
        return (dict(scores),)
