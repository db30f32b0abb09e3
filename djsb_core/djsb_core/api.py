"""All that a plugin imports: the one surface of the core that is kept stable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.errors import ComponentError, DjsbError
from djsb_core.hookspecs import CheckKind, DoctorCheck, JobInfo, hookimpl
from djsb_core.interfaces.changes import read_changes, watch_changes
from djsb_core.interfaces.component import (
    Component,
    ComponentConfig,
    Scores,
    SilentWatcher,
    Watcher,
    Workspace,
)
from djsb_core.interfaces.data import (
    Analysis,
    BoundSide,
    Change,
    DataAnalyzer,
    DataEvaluator,
    DataExecutor,
    DataPoolManipulator,
    GeneralDataExecutor,
    GeneralProbe,
    Recipe,
    RecipeRefiner,
    Refinement,
    Statistics,
)
from djsb_core.interfaces.environment import Command, Environment, EnvironmentConfig
from djsb_core.interfaces.hook import Hook, JobContext, Outputs, Role, Section, Slot
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.metrics import Flow, Metric, MetricKind, SampleLayout
from djsb_core.interfaces.model import ModelEvaluator, ModelInferExecutor, ModelTrainExecutor
from djsb_core.interfaces.paths import InputPath, OutputPath, PathContext
from djsb_core.jsonl import locate_samples, open_text, query, read_jsonl
from djsb_core.machine.checks import check_command, check_file, check_weights
from djsb_core.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Analysis",
    "BoundSide",
    "Change",
    "CheckKind",
    "Command",
    "Component",
    "ComponentConfig",
    "ComponentError",
    "DataAnalyzer",
    "DataEvaluator",
    "DataExecutor",
    "DataPoolManipulator",
    "DjsbError",
    "DoctorCheck",
    "Environment",
    "EnvironmentConfig",
    "Flow",
    "GeneralDataExecutor",
    "GeneralProbe",
    "Hook",
    "InputPath",
    "JobContext",
    "JobInfo",
    "Kind",
    "Metric",
    "MetricKind",
    "ModelEvaluator",
    "ModelInferExecutor",
    "ModelTrainExecutor",
    "OutputPath",
    "Outputs",
    "PathContext",
    "Recipe",
    "RecipeRefiner",
    "Refinement",
    "Role",
    "SampleLayout",
    "Scores",
    "Section",
    "SilentWatcher",
    "Slot",
    "Statistics",
    "Watcher",
    "Workspace",
    "check_command",
    "check_file",
    "check_packages",
    "check_weights",
    "hookimpl",
    "locate_samples",
    "mask",
    "open_text",
    "query",
    "read_changes",
    "read_jsonl",
    "watch_changes",
]


def check_packages(package: str, reasons: Mapping[str, str]) -> list[DoctorCheck]:
    """Check some of the packages that a package's metadata lists, and say what they are for.

    The others are checked, too, where ``djsb doctor`` looks at the package.

    :param package: the one that needs them
    :param reasons: what each is needed for, by name
    """
    from djsb_core.machine import packages

    return packages.check_packages(package, reasons)
