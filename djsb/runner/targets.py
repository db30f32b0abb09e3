"""Whether another iteration is due: targets met, iterations used up, or nothing left to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb.config.dotted import get_value
from djsb.store.records import TargetRecord
from djsb_core.errors import DjsbError, suggest
from djsb_core.job.watcher import flatten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.config.targets import Target
    from djsb.planner.planned import Plan
    from djsb.planner.settings import Source
    from djsb.runner.history import History


def measure_targets(plan: Plan, history: History) -> list[TargetRecord]:
    """Compare what an iteration measured with the targets.

    :raises DjsbError: if what a target names is no number
    """
    return [_measure(target, source, history) for target, source in plan.targets]


def _measure(target: Target, source: Source, history: History) -> TargetRecord:
    outputs = history.outputs[source.job]
    try:
        value = get_value(outputs[source.output], source.rest)
    except KeyError:
        value = None
    if not isinstance(value, int | float):
        found = flatten(outputs[source.output], source.output)
        known = [name for name, number in found if isinstance(number, float)]
        wanted = ".".join((source.output, *source.rest))
        text = f"'{target.text}': '{wanted}' is not a number; {suggest(wanted, known)}"
        raise DjsbError(f"iter_targets: {text}")
    return TargetRecord(history.iteration, target.text, float(value), target.holds(float(value)))


def reason_to_stop(plan: Plan, measured: Sequence[TargetRecord], history: History) -> str | None:
    """Say why no further iteration is due, if none is."""
    schema = plan.experiment.schema
    met = [one for one in measured if one.met]
    wanted = 1 if schema.iter_targets_mode == "any" else len(measured)
    count = f"{len(met)} of {len(measured)} targets met"
    if measured and len(met) >= wanted:
        return f"{count} after iteration {history.iteration}"
    if history.iteration == schema.max_iter_num:
        if not measured:
            return f"max_iter_num: {schema.max_iter_num} iterations done"
        missed = "; ".join(f"{one.target} (is {one.value:g})" for one in measured if not one.met)
        return f"max_iter_num: {schema.max_iter_num} reached with {count}; not met: {missed}"
    if _would_repeat(plan, history):
        repeated = f"another iteration would repeat iteration {history.iteration}"
        return f"{count}, but {repeated}" if measured else repeated
    return None


def _would_repeat(plan: Plan, history: History) -> bool:
    """Return whether the last iteration did the very same jobs as the one before.

    Then so would the next one; jobs that are run every time may still give something else.
    """
    before = history.previous
    same = before is not None and before.keys == history.keys
    return same and all(job.spec.cache for job in plan.jobs)
