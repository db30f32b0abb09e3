"""Runs a recipe's operators over a dataset, and counts the rows that remain after each.

Data-Juicer runs each operator as two or three passes over the dataset, each with its own worker
processes and a copy of every row on disk. Here consecutive filters run as one pass: the same
methods of the same operators process the same rows in the same order, one batch at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, Flow, Metric, MetricKind, counted
from djsb_datajuicer.filter_pass import FilterPass, can_share_a_pass
from djsb_datajuicer.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb_datajuicer.failures import Notes
    from djsb_datajuicer.ledger import Ledger

LOSSES = (
    Metric("rows_failed", "rows", kind=MetricKind.COUNT, flow=Flow.LOST),
    Metric("rows_without_text", "rows", kind=MetricKind.COUNT, flow=Flow.LOST),
    Metric("lines_unread", "lines", kind=MetricKind.COUNT, flow=Flow.LOST),
)
"""Rows on which an operator failed, rows whose text is null, and lines that gave no row."""

METRICS = (
    *LOSSES,
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


def watch_rows(dataset: Any, ledger: Ledger, funnel: Funnel, notes: Notes) -> Any:  # noqa: ANN401
    """Make a dataset's next ``process`` share passes and keep account of rows.

    Data-Juicer's executor stays in control: it calls ``process`` with its operators, and this
    changes only how they are run.

    :param dataset: a ``NestedDataset``
    :param ledger: receives what becomes of each row
    :param funnel: receives the counts
    :param notes: for what operators note about single rows
    """
    funnel.rows_in = len(dataset)

    def process(operators: Any, *, tracer: Any = None, **settings: Any) -> Any:  # noqa: ANN401
        # An instance attribute would be copied to every dataset derived from this one.
        del dataset.process
        listed = operators if isinstance(operators, list) else [operators]
        separate = tracer is not None or _looks_at_each(settings)
        steps = (
            [Watched(operator, ledger, notes, funnel.add) for operator in listed]
            if separate
            else grouped(listed, ledger, funnel, notes)
        )
        return dataset.process(list(steps), tracer=tracer, **settings)

    dataset.process = process
    return dataset


def grouped(
    operators: Sequence[Any], ledger: Ledger, funnel: Funnel, notes: Notes
) -> Iterator[Any]:
    """Yield the operators, merging consecutive ones that can share a pass."""
    for together, group in groupby(operators, can_share_a_pass):
        if together:
            yield FilterPass(list(group), ledger, notes, reduce=True, count=funnel.add)
        else:
            yield from (Watched(operator, ledger, notes, funnel.add) for operator in group)


def _looks_at_each(settings: Mapping[str, Any]) -> bool:
    """Return whether the recipe enables a feature that inspects the data after each operator."""
    adapter = settings.get("adapter")
    return bool(
        settings.get("open_monitor")
        or settings.get("checkpointer") is not None
        or getattr(adapter, "enable_insight_mining", False)
    )
