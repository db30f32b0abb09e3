"""Compare predicted labels with the true ones."""

from __future__ import annotations

from array import array
from typing import Any

from pydantic import Field

from djsb_core.api import DataEvaluator, Metric, Scores
from djsb_core.evaluators.pairs import PairsConfig, read_pairs


class AccuracyConfig(PairsConfig):
    """Settings of the ``accuracy`` evaluator."""

    predicted_label_key: str = Field(description="Field with the predicted label; dots nest.")
    ground_truth_label_key: str = Field(description="Field with the true label; dots nest.")


class AccuracyEvaluator(DataEvaluator[AccuracyConfig]):
    """Share of samples whose predicted label equals the true one.

    Labels are compared as text: ``1`` equals ``"1"``, but ``1.0`` does not. Scores:
    ``accuracy.<i>`` for the i-th file, and their maximum ``max_accuracy``. Outputs: the list of
    results (``pred_path``, ``gt_path``, ``accuracy``), and ``max_accuracy``.
    """

    config_type = AccuracyConfig
    output_names = ("results", "max_accuracy")
    metrics = (
        Metric("max_accuracy", higher_is_better=True, primary=True),
        Metric("accuracy.*", higher_is_better=True),
    )

    def evaluate(self) -> Scores:
        """Read each file once.

        :raises ComponentError: if a file cannot be read, lacks a label, or has no partner
        """
        scores = {}
        for index, (predicted, truth) in enumerate(
            zip(self.config.predicted, self.config.truth, strict=True)
        ):
            pairs = read_pairs(
                predicted,
                truth,
                self.config.predicted_label_key,
                self.config.ground_truth_label_key,
            )
            hits = array("d", (str(label) == str(true) for label, true in pairs))
            scores[f"accuracy.{index}"] = sum(hits) / len(hits)
            self.workspace.watcher.watch_samples(hits, f"accuracy.{index}")
        return {"max_accuracy": max(scores.values()), **scores}

    def outputs(self, scores: Scores) -> tuple[Any, ...]:
        """Return the results per file and the best accuracy."""
        results = [
            {
                "pred_path": str(predicted),
                "gt_path": str(truth),
                "accuracy": scores[f"accuracy.{index}"],
            }
            for index, (predicted, truth) in enumerate(
                zip(self.config.predicted, self.config.truth, strict=True)
            )
        ]
        return results, scores["max_accuracy"]
