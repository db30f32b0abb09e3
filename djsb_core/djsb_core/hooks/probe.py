"""Hooks that probe the data or the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from djsb_core.api import (
    ComponentConfig,
    DataAnalyzer,
    GeneralProbe,
    Hook,
    JobContext,
    Outputs,
    Role,
    Section,
    Slot,
)
from djsb_core.published import DEFAULT_TYPES


class ProbeViaAnalyzerHook(Hook[ComponentConfig, DataAnalyzer[Any]]):
    """Analyze a dataset and keep the statistics of its samples."""

    role = Role.PROBE
    uses = Slot(DataAnalyzer, Section.DJ_CONFIGS, DEFAULT_TYPES["data_analyzers"])
    asks_for_metrics = False
    output_names = ("export_path",)
    takes_recipe = True

    def run(self, context: JobContext[DataAnalyzer[Any]]) -> Outputs:
        """Return the path of the dataset with its per-sample statistics."""
        analysis = context.component.analyze()
        context.watcher.watch(analysis.statistics, "")
        return (str(analysis.path),)


class GeneralProbeHook(Hook[ComponentConfig, GeneralProbe[Any]]):
    """Run any other probe."""

    role = Role.PROBE
    uses = Slot(GeneralProbe)
    asks_for_metrics = False
    outputs_of_component = True

    def run(self, context: JobContext[GeneralProbe[Any]]) -> Outputs:
        """Return what the probe found."""
        result = context.component.probe()
        if isinstance(result, Mapping):
            numbers = {k: v for k, v in result.items() if isinstance(v, int | float)}
            context.watcher.watch(numbers, "")
        return (result,)
