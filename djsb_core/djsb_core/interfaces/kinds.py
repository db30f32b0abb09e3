"""The kinds of component: each has one entry-point group and one interface.

The interfaces are imported on demand: listings need only the names.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from djsb_core.errors import RequestError, suggest

if TYPE_CHECKING:
    from djsb_core.interfaces.component import AnyComponent


class Kind(Enum):
    """A kind of component; its value is the entry-point group without ``djsb.``."""

    HOOK = "hooks"
    DATA_EXECUTOR = "data_executors"
    DATA_ANALYZER = "data_analyzers"
    RECIPE_REFINER = "recipe_refiners"
    DATA_EVALUATOR = "data_evaluators"
    DATA_POOL_MANIPULATOR = "data_pool_manipulators"
    GENERAL_PROBE = "general_probes"
    GENERAL_DATA_EXECUTOR = "general_data_executors"
    MODEL_TRAIN_EXECUTOR = "model_train_executors"
    MODEL_INFER_EXECUTOR = "model_infer_executors"
    MODEL_EVALUATOR = "model_evaluators"
    ENVIRONMENT = "environments"
    PLACEMENT = "placements"
    TRACKER = "trackers"

    @property
    def group(self) -> str:
        """The entry-point group of this kind."""
        return f"djsb.{self.value}"

    @property
    def label(self) -> str:
        """The kind in words: ``data evaluator``."""
        return self.name.lower().replace("_", " ")

    @property
    def interface(self) -> type[AnyComponent]:
        """The class that every component of this kind extends."""
        return _interfaces()[self]

    @classmethod
    def parse(cls, text: str) -> Kind:
        """Parse a kind in any common spelling: ``data_evaluators``, ``data-evaluator``.

        :raises RequestError: if there is no such kind
        """
        word = text.lower().replace("-", "_")
        for kind in cls:
            if word in (kind.value, kind.name.lower()):
                return kind
        names = [kind.value for kind in cls]
        raise RequestError(f"unknown kind of component '{text}'; {suggest(word, names)}")

    @classmethod
    def of(cls, interface: type[AnyComponent]) -> Kind:
        """Return the kind whose components extend ``interface``."""
        return next(kind for kind, known in _interfaces().items() if issubclass(interface, known))


@cache
def _interfaces() -> dict[Kind, type[AnyComponent]]:
    from djsb_core.interfaces.data import (
        DataAnalyzer,
        DataEvaluator,
        DataExecutor,
        DataPoolManipulator,
        GeneralDataExecutor,
        GeneralProbe,
        RecipeRefiner,
    )
    from djsb_core.interfaces.environment import Environment
    from djsb_core.interfaces.hook import Hook
    from djsb_core.interfaces.model import ModelEvaluator, ModelInferExecutor, ModelTrainExecutor
    from djsb_core.interfaces.placement import Placement
    from djsb_core.interfaces.tracker import Tracker

    return {
        Kind.HOOK: Hook,
        Kind.DATA_EXECUTOR: DataExecutor,
        Kind.DATA_ANALYZER: DataAnalyzer,
        Kind.RECIPE_REFINER: RecipeRefiner,
        Kind.DATA_EVALUATOR: DataEvaluator,
        Kind.DATA_POOL_MANIPULATOR: DataPoolManipulator,
        Kind.GENERAL_PROBE: GeneralProbe,
        Kind.GENERAL_DATA_EXECUTOR: GeneralDataExecutor,
        Kind.MODEL_TRAIN_EXECUTOR: ModelTrainExecutor,
        Kind.MODEL_INFER_EXECUTOR: ModelInferExecutor,
        Kind.MODEL_EVALUATOR: ModelEvaluator,
        Kind.ENVIRONMENT: Environment,
        Kind.PLACEMENT: Placement,
        Kind.TRACKER: Tracker,
    }
