"""Decide whether to iterate again: targets met, limit reached, or nothing left to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb.config.dotted import get_value
from djsb.store.records import TargetRecord
from djsb_core.errors import DjsbError, suggest
from djsb_core.job.watcher import flatten
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.config.targets import Target
    from djsb.planner.planned import Plan
    from djsb.planner.settings import Source
    from djsb.runner.history import History


def measure_targets(plan: Plan, history: History) -> list[TargetRecord]:
    """Compare the results of an iteration with the targets.

    :raises DjsbError: if the value that a target names is not a number
    """
    return [_measure(target, source, history) for target, source in plan.targets]


def _measure(target: Target, source: Source, history: History) -> TargetRecord:
    outputs = history.outputs[source.job]
    try:
        value = get_value(outputs[source.output], source.rest)
    except KeyError:
        value = None
    if not isinstance(value, int | float):
        values = flatten(outputs[source.output], source.output)
        known = [name for name, number in values if isinstance(number, float)]
        name = ".".join((source.output, *source.rest))
        text = f"'{target.text}': '{name}' is not a number; {suggest(name, known)}"
        raise DjsbError(f"iter_targets: {text}")
    return TargetRecord(history.iteration, target.text, float(value), target.holds(float(value)))


def reason_to_stop(plan: Plan, measured: Sequence[TargetRecord], history: History) -> str | None:
    """Return why no further iteration is due; ``None`` if one is."""
    schema = plan.experiment.schema
    met_targets = [target for target in measured if target.met]
    needed = 1 if schema.iter_targets_mode == "any" else len(measured)
    count = f"{len(met_targets)} of {counted(len(measured), 'target')} met"
    if measured and len(met_targets) >= needed:
        return f"{count} after iteration {history.iteration}"
    if history.iteration == schema.max_iter_num:
        if not measured:
            return f"max_iter_num: {schema.max_iter_num} iterations done"
        missed = "; ".join(
            f"{target.target} (is {target.value:g})" for target in measured if not target.met
        )
        return f"max_iter_num: {schema.max_iter_num} reached with {count}; not met: {missed}"
    if _would_repeat(plan, history):
        repeated = f"another iteration would repeat iteration {history.iteration}"
        return f"{count}, but {repeated}" if measured else repeated
    return None


def _would_repeat(plan: Plan, history: History) -> bool:
    """Return whether the last iteration ran exactly the same jobs as the previous one.

    Then so would the next one, unless uncached jobs give different results.
    """
    previous = history.previous
    same = previous is not None and previous.keys == history.keys
    return same and all(job.spec.cache for job in plan.jobs)
