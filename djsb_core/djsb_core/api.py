"""All that a plugin imports: the one surface of the core that is kept stable."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from djsb_core.changes import read_changes, watch_changes
from djsb_core.errors import ComponentError, DjsbError, JobCancelledError, JobTimeoutError
from djsb_core.hookspecs import CheckKind, DoctorCheck, JobInfo, hookimpl
from djsb_core.identity import JobId
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
from djsb_core.interfaces.placement import (
    ANY_PROCESS,
    Cancellation,
    Executor,
    Placement,
    PlacementConfig,
    ProcessSpec,
    ReportSink,
)
from djsb_core.interfaces.resources import Resources
from djsb_core.interfaces.tracker import Tracker
from djsb_core.job.job_log import job_log
from djsb_core.job.request import JobRequest, inspect, perform
from djsb_core.job.watcher import JobWatcher
from djsb_core.jsonl import locate_samples, open_text, query, read_jsonl
from djsb_core.machine.checks import check_command, check_file, check_folders, check_weights
from djsb_core.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANY_PROCESS",
    "Analysis",
    "BoundSide",
    "Cancellation",
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
    "Executor",
    "Flow",
    "GeneralDataExecutor",
    "GeneralProbe",
    "Hook",
    "InputPath",
    "JobCancelledError",
    "JobContext",
    "JobId",
    "JobInfo",
    "JobRequest",
    "JobTimeoutError",
    "Kind",
    "Metric",
    "MetricKind",
    "ModelEvaluator",
    "ModelInferExecutor",
    "ModelTrainExecutor",
    "OutputPath",
    "Outputs",
    "PathContext",
    "Placement",
    "PlacementConfig",
    "ProcessSpec",
    "Recipe",
    "RecipeRefiner",
    "Refinement",
    "ReportSink",
    "Resources",
    "Role",
    "SampleLayout",
    "Scores",
    "Section",
    "SilentWatcher",
    "Slot",
    "Statistics",
    "Tracker",
    "Watcher",
    "Workspace",
    "check_command",
    "check_file",
    "check_folders",
    "check_packages",
    "check_weights",
    "hookimpl",
    "inspect_job",
    "locate_samples",
    "mask",
    "open_text",
    "query",
    "read_changes",
    "read_jsonl",
    "run_job",
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


def run_job(request: JobRequest, sink: ReportSink) -> dict[str, Any]:
    """Run a job in this process and return its outputs by name; what it prints is in its log.

    For executors that have brought the request to where the job is to run, one at a time. The
    variables of the request are set meanwhile.
    """
    before = {name: os.environ.get(name) for name in request.variables}
    os.environ.update(request.variables)
    try:
        with job_log(request.log):
            return perform(request, JobWatcher(request.folder, sink.points, sink.artifact))
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


def inspect_job(request: JobRequest, *, whole: bool) -> list[str]:
    """List what would keep a job from running in this process, one sentence each; run nothing.

    :param whole: build its component and check it; else only import the code
    """
    problems: list[str] = inspect(request, "component" if whole else "code")["problems"]
    return problems
