"""Hooks that evaluate data or models."""

from __future__ import annotations

from typing import Any

from djsb_core.api import (
    ComponentConfig,
    ComponentError,
    DataEvaluator,
    Hook,
    JobContext,
    ModelEvaluator,
    Outputs,
    Role,
    Slot,
)


class EvaluateDataHook(Hook[ComponentConfig, DataEvaluator[Any]]):
    """Score a dataset."""

    role = Role.EVALUATE
    uses = Slot(DataEvaluator)
    asks_for_metrics = False
    outputs_of_component = True

    def run(self, context: JobContext[DataEvaluator[Any]]) -> Outputs:
        """Return what the evaluator hands on; its scores by default."""
        return _evaluate(context)


class EvaluateModelHook(Hook[ComponentConfig, ModelEvaluator[Any]]):
    """Score a model."""

    role = Role.EVALUATE
    uses = Slot(ModelEvaluator)
    asks_for_metrics = False
    outputs_of_component = True

    def run(self, context: JobContext[ModelEvaluator[Any]]) -> Outputs:
        """Return what the evaluator hands on; its scores by default."""
        return _evaluate(context)


def _evaluate(
    context: JobContext[DataEvaluator[Any]] | JobContext[ModelEvaluator[Any]],
) -> Outputs:
    scores = context.component.evaluate()
    if not scores:
        raise ComponentError("the evaluator returned no score")
    context.watcher.watch(scores, "")
    return context.component.outputs(scores)
