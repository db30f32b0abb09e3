"""Hooks that process data, train models and run them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.api import (
    ComponentConfig,
    DataExecutor,
    DataPoolManipulator,
    GeneralDataExecutor,
    Hook,
    JobContext,
    ModelInferExecutor,
    ModelTrainExecutor,
    Outputs,
    Role,
    Section,
    Slot,
)
from djsb_core.published import DEFAULT_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence


class ProcessDataHook(Hook[ComponentConfig, DataExecutor[Any]]):
    """Process a dataset with the job's recipe."""

    role = Role.PROCESS
    uses = Slot(DataExecutor, Section.DJ_CONFIGS, DEFAULT_TYPES["data_executors"])
    asks_for_metrics = False
    output_names = ("export_path",)
    takes_recipe = True

    def run(self, context: JobContext[DataExecutor[Any]]) -> Outputs:
        """Return the path of the processed dataset."""
        return (_path_or_paths(context.component.execute()),)


class DataPoolManipulationHook(Hook[ComponentConfig, DataPoolManipulator[Any]]):
    """Build data pools."""

    role = Role.PROCESS
    uses = Slot(DataPoolManipulator)
    asks_for_metrics = False
    output_names = ("paths",)

    def run(self, context: JobContext[DataPoolManipulator[Any]]) -> Outputs:
        """Return the paths of the pools."""
        return (_path_or_paths(context.component.manipulate()),)


class GeneralDataExecutorHook(Hook[ComponentConfig, GeneralDataExecutor[Any]]):
    """Run any other step on data."""

    role = Role.PROCESS
    uses = Slot(GeneralDataExecutor)
    asks_for_metrics = False
    output_names = ("paths",)

    def run(self, context: JobContext[GeneralDataExecutor[Any]]) -> Outputs:
        """Return the path (or paths) of the result."""
        return (_path_or_paths(context.component.execute()),)


class TrainModelHook(Hook[ComponentConfig, ModelTrainExecutor[Any]]):
    """Train a model."""

    role = Role.TRAIN
    uses = Slot(ModelTrainExecutor)
    asks_for_metrics = False
    output_names = ("model_path",)

    def run(self, context: JobContext[ModelTrainExecutor[Any]]) -> Outputs:
        """Return the folder (or folders) of the trained model."""
        return (_path_or_paths(context.component.train()),)


class InferModelHook(Hook[ComponentConfig, ModelInferExecutor[Any]]):
    """Run a model over data."""

    role = Role.INFER
    uses = Slot(ModelInferExecutor)
    asks_for_metrics = False
    output_names = ("paths",)

    def run(self, context: JobContext[ModelInferExecutor[Any]]) -> Outputs:
        """Return the path (or paths) of the model's outputs."""
        return (_path_or_paths(context.component.infer()),)


def _path_or_paths(results: Path | Sequence[Path]) -> str | list[str]:
    """Return the paths as strings; a single one without a list, as in the published format."""
    if isinstance(results, Path):
        return str(results)
    paths = [str(path) for path in results]
    return paths[0] if len(paths) == 1 else paths
