"""All that a plugin imports: the one surface of the core that is kept stable."""

from djsb_core.errors import ComponentError, DjsbError
from djsb_core.hookspecs import DoctorCheck, JobInfo, hookimpl
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
from djsb_core.interfaces.hook import Hook, JobContext, Outputs, Section, Slot
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.model import ModelEvaluator, ModelInferExecutor, ModelTrainExecutor
from djsb_core.interfaces.paths import InputPath, OutputPath, PathContext
from djsb_core.jsonl import locate_samples, open_text, query, read_jsonl

__all__ = [
    "Analysis",
    "Change",
    "Component",
    "ComponentConfig",
    "ComponentError",
    "DataAnalyzer",
    "DataEvaluator",
    "DataExecutor",
    "DataPoolManipulator",
    "DjsbError",
    "DoctorCheck",
    "GeneralDataExecutor",
    "GeneralProbe",
    "Hook",
    "InputPath",
    "JobContext",
    "JobInfo",
    "Kind",
    "ModelEvaluator",
    "ModelInferExecutor",
    "ModelTrainExecutor",
    "OutputPath",
    "Outputs",
    "PathContext",
    "Recipe",
    "RecipeRefiner",
    "Refinement",
    "Scores",
    "Section",
    "SilentWatcher",
    "Slot",
    "Statistics",
    "Watcher",
    "Workspace",
    "hookimpl",
    "locate_samples",
    "open_text",
    "query",
    "read_jsonl",
]
