"""Runs a recipe's operators over a dataset, and counts the rows that remain after each.

Data-Juicer runs each operator as two or three passes over the dataset, each with its own worker
processes and a copy of every row on disk. Here consecutive filters run as one pass: the same
methods of the same operators process the same rows in the same order, one batch at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, Flow, Metric, MetricKind, counted
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
    """The number of rows of the dataset, and after each operator."""

    rows_in: int = 0
    after: list[tuple[str, int]] = field(default_factory=list)

    @property
    def rows_kept(self) -> int:
        """Rows after the last operator."""
        return self.after[-1][1] if self.after else self.rows_in

    def metrics(self) -> dict[str, float]:
        """Return the counts as metrics; an operator's second use gets ``_2`` after its name."""
        metrics: dict[str, float] = {"rows_in": self.rows_in, "rows_kept": self.rows_kept}
        if self.rows_in:
            metrics["kept_ratio"] = self.rows_kept / self.rows_in
        uses: dict[str, int] = {}
        for name, rows in self.after:
            uses[name] = uses.get(name, 0) + 1
            suffix = f"_{uses[name]}" if uses[name] > 1 else ""
            metrics[f"after.{name}{suffix}"] = rows
        return metrics

    def add(self, name: str, rows: int) -> None:
        """Record the rows that remain after an operator.

        :raises ComponentError: if there are none: Data-Juicer would continue, and fail obscurely
        """
        self.after.append((name, rows))
        if rows == 0:
            raise ComponentError(f"the recipe filters out every row: {self.summary()}")

    def summary(self) -> str:
        """Describe which operator dropped how many rows."""
        before, dropped = self.rows_in, []
        for name, rows in self.after:
            if rows < before:
                dropped.append(f"{name} drops {before - rows} of {before}")
            before = rows
        return ", ".join(dropped) or f"{counted(self.rows_in, 'row')}, none dropped"


class Counted:
    """A Data-Juicer operator that reports to a funnel, and otherwise behaves as the original."""

    def __init__(self, operator: Any, funnel: Funnel) -> None:  # noqa: ANN401 (untyped class)
        """Wrap the operator."""
        self._operator = operator
        self._funnel = funnel

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the operator has)
        """Delegate to the operator."""
        return getattr(self._operator, name)

    def run(self, dataset: Any, **settings: Any) -> Any:  # noqa: ANN401 (datasets, untyped)
        """Run the operator and count the rows."""
        result = self._operator.run(dataset, **settings)
        self._funnel.add(self._operator._name, len(result))  # noqa: SLF001
        return result


def watch_rows(dataset: Any, funnel: Funnel) -> Any:  # noqa: ANN401 (a dataset, untyped)
    """Make a dataset's next ``process`` share passes and count rows.

    Data-Juicer's executor stays in control: it calls ``process`` with its operators, and this
    changes only how they are run.

    :param dataset: a ``NestedDataset``
    :param funnel: receives the counts
    """
    funnel.rows_in = len(dataset)

    def process(operators: Any, *, tracer: Any = None, **settings: Any) -> Any:  # noqa: ANN401
        # An instance attribute would be copied to every dataset derived from this one.
        del dataset.process
        listed = operators if isinstance(operators, list) else [operators]
        separate = tracer is not None or _looks_at_each(settings)
        steps = (
            [Counted(operator, funnel) for operator in listed]
            if separate
            else grouped(listed, funnel)
        )
        return dataset.process(list(steps), tracer=tracer, **settings)

    dataset.process = process
    return dataset


def grouped(operators: Sequence[Any], funnel: Funnel) -> Iterator[Any]:
    """Yield the operators, merging consecutive ones that can share a pass."""
    filters: list[Any] = []
    for operator in operators:
        if can_share_a_pass(operator):
            filters.append(operator)
            continue
        if filters:
            yield FilterPass(filters, reduce=True, count=funnel.add)
            filters = []
        yield Counted(operator, funnel)
    if filters:
        yield FilterPass(filters, reduce=True, count=funnel.add)


def _looks_at_each(settings: Mapping[str, Any]) -> bool:
    """Return whether the recipe enables a feature that inspects the data after each operator."""
    adapter = settings.get("adapter")
    return bool(
        settings.get("open_monitor")
        or settings.get("checkpointer") is not None
        or getattr(adapter, "enable_insight_mining", False)
    )
