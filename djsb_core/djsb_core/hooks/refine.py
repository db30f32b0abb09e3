"""Hooks that refine the data recipe based on the results of a probe."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from djsb_core.api import (
    ComponentConfig,
    ComponentError,
    Hook,
    JobContext,
    Metric,
    MetricKind,
    Outputs,
    RecipeRefiner,
    Refinement,
    Role,
    Slot,
    watch_changes,
)
from djsb_core.interfaces.changes import PREFIX
from djsb_core.published import DEFAULT_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)


class RefineRecipeViaKSigmaHook(Hook[ComponentConfig, RecipeRefiner[Any]]):
    """Set the bounds of a recipe's filters to mean ± k standard deviations of a probe's statistics.

    The job's ``meta_name`` is that of the probe whose statistics are used.
    """

    role = Role.REFINE
    metrics = (Metric(f"{PREFIX}.*", kind=MetricKind.DETAIL),)
    uses = Slot(RecipeRefiner, default=DEFAULT_TYPES["recipe_refiners"])
    output_names = ("refined_recipe_path",)
    takes_recipe = True
    returns_recipe = True
    named_after_probe = True

    def run(self, context: JobContext[RecipeRefiner[Any]]) -> Outputs:
        """Write the refined recipe and return its path."""
        from djsb_core.yaml_text import dump_yaml

        statistics = _statistics(context.query(context.meta_name))
        if not statistics:
            raise ComponentError(f"the probe '{context.meta_name}' has recorded no statistics")
        refinement = context.component.refine(context.dj_configs, statistics)
        _report(refinement, context)
        paths = [context.workspace.folder / "refined_recipe.yaml", *context.component.writes()]
        for path in paths:
            write = json.dumps if path.suffix == ".json" else dump_yaml
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(write(refinement.recipe), encoding="utf-8")
        return (str(paths[-1]),)


def _statistics(metrics: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Group ``text_len.mean`` by statistic; percentiles (``33.3%``) may contain dots."""
    statistics: dict[str, dict[str, float]] = {}
    for name, value in metrics.items():
        statistic, _, summary = name.partition(".")
        if summary and isinstance(value, int | float):
            statistics.setdefault(statistic, {})[summary] = value
    return statistics


def _report(refinement: Refinement, context: JobContext[RecipeRefiner[Any]]) -> None:
    for change in refinement.changes:
        name = f"{change.operator}.{change.argument}"
        print(f"{name}: {change.old} -> {change.new}")  # noqa: T201 (the job's log)
    watch_changes(context.watcher, refinement.changes)
    if not refinement.changes:
        log.warning("no argument of the recipe has a bound to refine")
