"""Roles and declarations, missing in store format 3, inferred from known hook names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from djsb_core.interfaces.hook import Role
from djsb_core.metrics import Declarations, Flow, Metric, MetricKind, SampleLayout

if TYPE_CHECKING:
    import sqlite3

ROLES = {
    "ProbeViaAnalyzerHook": Role.PROBE,
    "GeneralProbeHook": Role.PROBE,
    "RefineRecipeViaKSigmaHook": Role.REFINE,
    "ProcessDataHook": Role.PROCESS,
    "DataPoolManipulationHook": Role.PROCESS,
    "GeneralDataExecutorHook": Role.PROCESS,
    "TrainModelHook": Role.TRAIN,
    "InferModelHook": Role.INFER,
    "EvaluateDataHook": Role.EVALUATE,
    "EvaluateModelHook": Role.EVALUATE,
}
COMMON = (
    Metric("rows_in", "rows", kind=MetricKind.COUNT, flow=Flow.GIVEN),
    Metric("rows_kept", "rows", kind=MetricKind.COUNT, flow=Flow.KEPT),
    Metric("after.*", "rows", kind=MetricKind.DETAIL, flow=Flow.STEP),
    *(Metric(name, kind=MetricKind.DETAIL) for name in ("refined.*", "*stderr*", "*seconds*")),
)
OF_HOOK = {
    "ProbeViaAnalyzerHook": (
        Metric("*.mean", kind=MetricKind.STATISTIC, primary=True),
        *(
            Metric(f"*.{summary}", kind=MetricKind.STATISTIC)
            for summary in ("count", "std", "min", "max")
        ),
        Metric("*.*", kind=MetricKind.DETAIL),
    ),
    "TrainModelHook": (
        *(
            Metric(name, name, kind=MetricKind.COUNT, primary=True)
            for name in ("tokens", "documents")
        ),
        *(Metric(name, kind=MetricKind.DETAIL) for name in ("lr", "epoch")),
    ),
}
SAMPLES = {
    "ProbeViaAnalyzerHook": SampleLayout(
        "dj_configs.dataset_path", "text", "__dj__stats__", ("__dj__",)
    ),
    "ProcessDataHook": SampleLayout("dj_configs.dataset_path", "text", None, ("__dj__",)),
}


def add_functions(connection: sqlite3.Connection) -> None:
    """Register the SQL functions of the migration."""
    connection.create_function("role_in_format_3", 1, _role)
    connection.create_function("declarations_in_format_3", 2, _declarations)


def _role(hook: str) -> str | None:
    role = ROLES.get(hook)
    return role and role.value


def _declarations(hook: str, directions: str | None) -> str:
    """Build declarations for a job with known directions of only some metrics."""
    directions_by_name = json.loads(directions) if directions else {}
    scores = (Metric(name, higher_is_better=higher) for name, higher in directions_by_name.items())
    metrics = (*scores, *OF_HOOK.get(hook, ()), *COMMON)
    declarations = Declarations(metrics, SAMPLES.get(hook, SampleLayout()))
    return json.dumps(declarations.to_json())
