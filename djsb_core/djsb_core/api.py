"""Everything that a plugin imports: the stable interface of the core.

* Components: an interface such as :class:`DataEvaluator`, its :class:`ComponentConfig`, paths in it
  (``InputPath``, ``OutputPath``), what it raises (:class:`ComponentError`) and what it needs
  (:class:`DoctorCheck`, ``check_…``); hooks likewise.
* Listeners: :data:`hookimpl` and :class:`JobInfo`.
* Environment managers: :class:`Environment` and :class:`EnvironmentConfig`.
* Isolation of components: :class:`Isolation` and :class:`WantedEnvironment`; folders stored by key
  (:class:`KeyedFolders`), metadata of installed packages (:func:`snapshot`), and secrets kept out
  of logs (:class:`Masker`).
* Commands: text for people (:func:`size_text`, :func:`date`, :func:`counted`, :func:`suggest`), and
  :class:`RequestError` for a request that cannot be fulfilled.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from djsb_core.announced import ComponentInfo
from djsb_core.discovery import load_component
from djsb_core.errors import (
    ComponentError,
    DjsbError,
    JobCancelledError,
    JobTimeoutError,
    RequestError,
    is_full_disk,
    suggest,
)
from djsb_core.folders.files import DONE, read_object, remove_tree, size_of, write_object
from djsb_core.folders.keyed import KeyedFolders, mark_used
from djsb_core.folders.locks import Lock
from djsb_core.hookspecs import CheckKind, DoctorCheck, JobInfo, hookimpl
from djsb_core.identity import JobId
from djsb_core.interfaces.bounds import BoundSide
from djsb_core.interfaces.changes import read_changes, watch_changes
from djsb_core.interfaces.component import (
    AnyComponent,
    Component,
    ComponentConfig,
    Scores,
    SilentWatcher,
    Watcher,
    Workspace,
)
from djsb_core.interfaces.data import (
    Analysis,
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
from djsb_core.interfaces.dropped import (
    DropLog,
    DroppedRows,
    DropReason,
    DropStep,
    StepBound,
    read_dropped,
)
from djsb_core.interfaces.environment import (
    OLDEST_PYTHON,
    Attempt,
    Command,
    Environment,
    EnvironmentConfig,
    is_too_old,
)
from djsb_core.interfaces.hook import Hook, JobContext, Outputs, Role, Section, Slot
from djsb_core.interfaces.interpreter import Interpreter
from djsb_core.interfaces.isolation import (
    DescribeErrors,
    EnvironmentSettingsError,
    Isolation,
    Location,
    WantedEnvironment,
)
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.model import ModelEvaluator, ModelInferExecutor, ModelTrainExecutor
from djsb_core.interfaces.paths import InputPath, OutputPath, PathContext, paths_of
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
from djsb_core.job.perform import inspect, perform
from djsb_core.job.request import JobRequest
from djsb_core.job.watcher import JobWatcher
from djsb_core.jsonl import locate_samples, open_text, query, read_jsonl
from djsb_core.machine.checks import check_command, check_file, check_weights
from djsb_core.machine.code_files import files_beside
from djsb_core.machine.installed import Snapshot, find_distribution, snapshot
from djsb_core.machine.network import can_reach
from djsb_core.masking import Masker, mask
from djsb_core.metrics import Flow, Metric, MetricKind, SampleLayout
from djsb_core.text import counted, date, depth_of, parse_duration, short_key, size_text
from djsb_core.whole_files import replacing, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANY_PROCESS",
    "DONE",
    "ENVIRONMENT_KEYS",
    "OLDEST_PYTHON",
    "Analysis",
    "AnyComponent",
    "Attempt",
    "BoundSide",
    "Cancellation",
    "Change",
    "CheckKind",
    "Command",
    "Component",
    "ComponentConfig",
    "ComponentError",
    "ComponentInfo",
    "DataAnalyzer",
    "DataEvaluator",
    "DataExecutor",
    "DataPoolManipulator",
    "DescribeErrors",
    "DjsbError",
    "DoctorCheck",
    "DropLog",
    "DropReason",
    "DropStep",
    "DroppedRows",
    "Environment",
    "EnvironmentConfig",
    "EnvironmentSettingsError",
    "Executor",
    "Flow",
    "GeneralDataExecutor",
    "GeneralProbe",
    "Hook",
    "InputPath",
    "Interpreter",
    "Isolation",
    "JobCancelledError",
    "JobContext",
    "JobId",
    "JobInfo",
    "JobRequest",
    "JobTimeoutError",
    "KeyedFolders",
    "Kind",
    "Location",
    "Lock",
    "Masker",
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
    "RequestError",
    "Resources",
    "Role",
    "SampleLayout",
    "Scores",
    "Section",
    "SilentWatcher",
    "Slot",
    "Snapshot",
    "Statistics",
    "StepBound",
    "Tracker",
    "WantedEnvironment",
    "Watcher",
    "Workspace",
    "can_reach",
    "check_command",
    "check_file",
    "check_packages",
    "check_weights",
    "counted",
    "date",
    "depth_of",
    "files_beside",
    "find_distribution",
    "hookimpl",
    "inspect_job",
    "is_full_disk",
    "is_too_old",
    "load_component",
    "locate_samples",
    "mark_used",
    "mask",
    "open_text",
    "parse_duration",
    "paths_of",
    "query",
    "read_changes",
    "read_dropped",
    "read_jsonl",
    "read_object",
    "remove_tree",
    "replacing",
    "run_job",
    "short_key",
    "size_of",
    "size_text",
    "snapshot",
    "suggest",
    "watch_changes",
    "write_object",
    "write_whole",
]


def check_packages(package: str, reasons: Mapping[str, str]) -> list[DoctorCheck]:
    """Check some of the dependencies in a package's metadata, and report what they are for.

    ``djsb doctor`` checks the others as well.

    :param package: the package that depends on them
    :param reasons: what each dependency is needed for, by name
    """
    from djsb_core.machine import packages

    return packages.check_packages(package, reasons)


def run_job(request: JobRequest, sink: ReportSink) -> dict[str, Any]:
    """Run a job in this process and return its outputs by name; its output goes to its log.

    For executors that have sent the request to where the job runs; one job at a time. The
    request's environment variables are set while it runs.
    """
    before = {name: os.environ.get(name) for name in request.variables}
    os.environ.update(request.variables)
    try:
        mask = request.masker.text
        watcher = JobWatcher(request.folder, sink.points, sink.artifact, mask)
        with job_log(request.log, request.masker.secrets):
            return perform(request, watcher)
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


def inspect_job(request: JobRequest, *, whole: bool) -> list[str]:
    """List what would prevent a job from running in this process; run nothing.

    :param whole: build its component and check it; otherwise only import the code
    """
    problems: list[str] = inspect(request, "component" if whole else "code")["problems"]
    return problems
