"""Compare predicted values with the true ones."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any

from pydantic import Field

from djsb_core.api import ComponentError, DataEvaluator, Metric, MetricKind, Scores
from djsb_core.evaluators.pairs import PairsConfig, read_pairs

if TYPE_CHECKING:
    from pathlib import Path


class MSEConfig(PairsConfig):
    """Settings of the ``mse`` evaluator."""

    predicted_value_key: str = Field(description="Field with the predicted value; dots nest.")
    ground_truth_value_key: str = Field(description="Field with the true value; dots nest.")


class MSEEvaluator(DataEvaluator[MSEConfig]):
    """Mean squared error of the predicted values.

    Strings that contain a number count as that number. A sample without two finite numbers is left
    out and counted as a format error. Scores: ``mse.<i>`` and ``format_error.<i>`` for the i-th
    file, and the lowest error, ``min_mse``. Outputs: the list of results (``pred_path``,
    ``gt_path``, ``mse``, ``format_error``), and ``min_mse``. A file whose samples all have a
    format error has no score; its result is infinity, so that it ranks last.
    """

    config_type = MSEConfig
    output_names = ("results", "min_mse")
    metrics = (
        Metric("min_mse", higher_is_better=False, primary=True),
        Metric("mse.*", higher_is_better=False),
        Metric("format_error.*", "samples", higher_is_better=False, kind=MetricKind.COUNT),
    )

    def evaluate(self) -> Scores:
        """Read each file once.

        :raises ComponentError: if a file cannot be read, lacks a value or has no partner, or if no
            file contains a pair of numbers
        """
        scores: dict[str, float] = {}
        errors = []
        for index, (predicted, truth) in enumerate(
            zip(self.config.predicted, self.config.truth, strict=True)
        ):
            squares, usable = self._read(predicted, truth)
            scores[f"format_error.{index}"] = float(usable.count(0.0))
            if any(usable):
                errors.append(sum(squares) / sum(usable))
                scores[f"mse.{index}"] = errors[-1]
                self.workspace.watcher.watch_samples(squares, f"mse.{index}", usable)
        if not errors:
            raise ComponentError(self._nothing_usable())
        return {"min_mse": min(errors), **scores}

    def _read(self, predicted: Path, truth: Path) -> tuple[array[float], array[float]]:
        """Return the squared error of each sample, and 1 where it is usable, else 0."""
        squares, usable = array("d"), array("d")
        for pair in read_pairs(
            predicted, truth, self.config.predicted_value_key, self.config.ground_truth_value_key
        ):
            square = squared_error(*pair)
            squares.append(0.0 if square is None else square)
            usable.append(float(square is not None))
        return squares, usable

    def _nothing_usable(self) -> str:
        predicted, truth = self.config.predicted[0], self.config.truth[0]
        keys = self.config.predicted_value_key, self.config.ground_truth_value_key
        value, true = next(read_pairs(predicted, truth, *keys))
        return (
            f"{predicted}: no sample has two numbers; the first has {keys[0]} = {value!r:.80}"
            f" and {keys[1]} = {true!r:.80}"
        )

    def outputs(self, scores: Scores) -> tuple[Any, ...]:
        """Return the results per file and the lowest error."""
        results = [
            {
                "pred_path": str(predicted),
                "gt_path": str(truth),
                "mse": scores.get(f"mse.{index}", math.inf),
                "format_error": int(scores[f"format_error.{index}"]),
            }
            for index, (predicted, truth) in enumerate(
                zip(self.config.predicted, self.config.truth, strict=True)
            )
        ]
        return results, scores["min_mse"]


def squared_error(value: Any, true: Any) -> float | None:  # noqa: ANN401 (any JSON value)
    """Return the squared difference of two numbers, or ``None`` if it is not a finite number."""
    try:
        difference = float(value) - float(true)
    except (TypeError, ValueError, OverflowError):
        return None
    square = difference * difference
    return square if math.isfinite(square) else None
