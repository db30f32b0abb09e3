"""Sets a recipe's bounds from the statistics of a probe: the ``k_sigma`` recipe refiner."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from pydantic import Field

from djsb_core.api import (
    BoundSide,
    Change,
    ComponentConfig,
    ComponentError,
    OutputPath,
    Recipe,
    RecipeRefiner,
    Refinement,
    Statistics,
)
from djsb_datajuicer.bounds import Interval, legal, shown
from djsb_datajuicer.operators import Operator, operator_of
from djsb_datajuicer.sources import custom_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class KSigmaConfig(ComponentConfig):
    """Settings of the ``k_sigma`` refiner."""

    path_k_sigma_recipe: OutputPath | None = Field(
        None, description="Where the refined recipe is written (.yaml or .json)."
    )
    k: float = Field(
        3.0, gt=0, description="Distance of the bounds from the mean, in standard deviations."
    )


class KSigmaRefiner(RecipeRefiner[KSigmaConfig]):
    """Sets lower bounds to mean - k · std and upper bounds to mean + k · std.

    The rule is that of Data-Juicer's ``modify_recipe_k_sigma``: an argument of the recipe whose
    name contains ``min`` is a lower bound and one with ``max`` an upper bound of the statistic
    that its operator writes; arguments that the recipe does not set stay unset. The bounds are
    then adjusted to the operator: rounded if it accepts only integers, and not below 0 or above 1
    if the statistic never is. For a count, this keeps the same rows.
    """

    config_type = KSigmaConfig

    def refine(self, recipe: Recipe, statistics: Statistics) -> Refinement:
        """Return the refined recipe, computed from existing statistics.

        :raises ComponentError: if an operator with bounds has no statistic, or is unknown
        """
        refined = deepcopy(dict(recipe))
        custom = custom_files(map(str, refined.get("custom_operator_paths") or []))
        steps, changes = [], []
        for name, arguments in _steps(refined):
            operator = operator_of(name, custom)
            if operator is None:
                raise ComponentError(f"an operator of the recipe is not installed: '{name}'")
            for argument, bound in k_sigma_bounds(operator, arguments, statistics, self.config.k):
                old = arguments[argument]
                stat, value = bound
                parameter = operator.parameters.get(argument)
                interval = Interval.of(argument, arguments)
                new = legal(value, interval, parameter, stat, statistics[stat])
                arguments[argument] = shown(new, parameter)
                if new != old:
                    side = BoundSide.UPPER if interval.upper else BoundSide.LOWER
                    changes.append(Change(name, argument, _number(old), new, stat, side))
            steps.append({name: arguments})
        return Refinement({**refined, "process": steps}, changes)


def k_sigma_bounds(
    operator: Operator, arguments: Mapping[str, Any], statistics: Statistics, k: float
) -> Iterator[tuple[str, tuple[str, float]]]:
    """Yield each bound among an operator's arguments with its statistic and its new value.

    :raises ComponentError: if the operator writes statistics and none of them is known
    """
    limits = [name for name in arguments if _is_bound(name, arguments[name])]
    if not limits or not operator.statistics:
        return
    known = sorted(operator.statistics & set(statistics))
    if not known:
        missing = "' or '".join(sorted(operator.statistics))
        raise ComponentError(
            f"the statistics lack '{missing}', which {operator.name} writes; "
            "probe the data with this operator first"
        )
    for argument in limits:
        stat = max(known, key=lambda name: _likeness(argument, name))
        summary = statistics[stat]
        mean, std = summary.get("mean", math.nan), summary.get("std", math.nan)
        value = mean + k * std if "max" in argument else mean - k * std
        if not math.isnan(value):
            yield argument, (stat, value)


def _steps(recipe: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in recipe.get("process") or []:
        name, arguments = (entry, None) if isinstance(entry, str) else next(iter(entry.items()))
        yield name, dict(arguments or {})


def _is_bound(argument: str, value: object) -> bool:
    """Return whether an argument is a bound, not a flag such as ``min_closed_interval``."""
    return ("min" in argument or "max" in argument) and not isinstance(value, bool)


def _likeness(argument: str, stat: str) -> int:
    """Count shared words: ``min_width`` bounds ``image_width`` rather than ``image_height``."""
    return len(set(argument.split("_")) & set(stat.split("_")))


def _number(value: object) -> float | int | None:
    return value if isinstance(value, int | float) else None
