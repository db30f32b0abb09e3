"""Runs a recipe's operators over a dataset, and counts the rows that each one leaves.

Data-Juicer runs each operator as two or three passes over the dataset, each with its own worker
processes and a copy of every row on disk. Here consecutive filters run as one pass: the same
methods of the same operators see the same rows in the same order, one batch after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, Flow, Metric, MetricKind
from djsb_datajuicer.filter_pass import FilterPass, can_share_a_pass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


METRICS = (
    Metric("rows_in", "rows", kind=MetricKind.COUNT, flow=Flow.GIVEN),
    Metric("rows_kept", "rows", kind=MetricKind.COUNT, flow=Flow.KEPT),
    Metric("kept_ratio"),
    Metric("after.*", "rows", kind=MetricKind.DETAIL, flow=Flow.STEP),
)


@dataclass
class Funnel:
    """How many rows there were, and how many were left after each operator."""

    rows_in: int = 0
    after: list[tuple[str, int]] = field(default_factory=list)

    @property
    def rows_kept(self) -> int:
        """Rows after the last operator."""
        return self.after[-1][1] if self.after else self.rows_in

    def metrics(self) -> dict[str, float]:
        """Return the counts as metrics; an operator's second use gets ``_2`` after its name."""
        found: dict[str, float] = {"rows_in": self.rows_in, "rows_kept": self.rows_kept}
        if self.rows_in:
            found["kept_ratio"] = self.rows_kept / self.rows_in
        uses: dict[str, int] = {}
        for name, rows in self.after:
            uses[name] = uses.get(name, 0) + 1
            suffix = f"_{uses[name]}" if uses[name] > 1 else ""
            found[f"after.{name}{suffix}"] = rows
        return found

    def add(self, name: str, rows: int) -> None:
        """Record the rows that an operator left.

        :raises ComponentError: if it left none: Data-Juicer would go on, and fail obscurely
        """
        self.after.append((name, rows))
        if rows == 0:
            raise ComponentError(f"the recipe filters every row out: {self.story()}")

    def story(self) -> str:
        """Tell which operator dropped how many rows."""
        before, dropped = self.rows_in, []
        for name, rows in self.after:
            if rows < before:
                dropped.append(f"{name} drops {before - rows} of {before}")
            before = rows
        return ", ".join(dropped) or f"{self.rows_in} rows, none dropped"


class Counted:
    """An operator of Data-Juicer's that reports to a funnel; in all else the operator itself."""

    def __init__(self, operator: Any, funnel: Funnel) -> None:  # noqa: ANN401 (untyped class)
        """Wrap the operator."""
        self._operator = operator
        self._funnel = funnel

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the operator has)
        """Pass on to the operator."""
        return getattr(self._operator, name)

    def run(self, dataset: Any, **settings: Any) -> Any:  # noqa: ANN401 (datasets, untyped)
        """Run the operator and count."""
        result = self._operator.run(dataset, **settings)
        self._funnel.add(self._operator._name, len(result))  # noqa: SLF001
        return result


def watch_rows(dataset: Any, funnel: Funnel) -> Any:  # noqa: ANN401 (a dataset, untyped)
    """Make a dataset's next ``process`` share passes and count rows.

    Data-Juicer's executor keeps the lead: it calls ``process`` with its operators, and this
    changes nothing but how they are run.

    :param dataset: a ``NestedDataset``
    :param funnel: gets the counts
    """
    funnel.rows_in = len(dataset)

    def process(operators: Any, *, tracer: Any = None, **settings: Any) -> Any:  # noqa: ANN401
        # An attribute of the instance would be copied to every dataset made from this one.
        del dataset.process
        listed = operators if isinstance(operators, list) else [operators]
        apart = tracer is not None or _looks_at_each(settings)
        steps = [Counted(one, funnel) for one in listed] if apart else grouped(listed, funnel)
        return dataset.process(list(steps), tracer=tracer, **settings)

    dataset.process = process
    return dataset


def grouped(operators: Sequence[Any], funnel: Funnel) -> Iterator[Any]:
    """Yield the operators, consecutive ones that can share a pass as one."""
    waiting: list[Any] = []
    for operator in operators:
        if can_share_a_pass(operator):
            waiting.append(operator)
            continue
        if waiting:
            yield FilterPass(waiting, reduce=True, count=funnel.add)
            waiting = []
        yield Counted(operator, funnel)
    if waiting:
        yield FilterPass(waiting, reduce=True, count=funnel.add)


def _looks_at_each(settings: Mapping[str, Any]) -> bool:
    """Tell whether the recipe asks for something that looks at the data after each operator."""
    adapter = settings.get("adapter")
    return bool(
        settings.get("open_monitor")
        or settings.get("checkpointer") is not None
        or getattr(adapter, "enable_insight_mining", False)
    )
