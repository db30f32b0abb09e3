"""Runs one Data-Juicer operator, and records what becomes of each row."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, DropReason, DropStep
from djsb_datajuicer.failures import RowFailedError, TooManyFailedError, is_a
from djsb_datajuicer.guard import DecidingGuard, Guard
from djsb_datajuicer.ledger import bounds_of, statistics_of
from djsb_datajuicer.partners import PartnerFinder
from djsb_datajuicer.rider import take_rider, with_rider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from djsb_datajuicer.failures import Notes
    from djsb_datajuicer.ledger import Ledger


class Watched:
    """A Data-Juicer operator that reports to a ledger, and otherwise behaves as the original.

    Unlike the original, which drops a whole batch, it loses only the rows on which it fails.
    """

    def __init__(
        self,
        operator: Any,  # noqa: ANN401 (untyped class)
        ledger: Ledger,
        notes: Notes,
        count: Callable[[str, int], None] = lambda _name, _rows: None,
    ) -> None:
        """Wrap the operator.

        :param count: called with the name of the operator and the number of rows after it
        """
        self._operator = operator
        self._ledger = ledger
        self._notes = notes
        self._count = count
        self._partners: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the operator has)
        """Delegate to the operator."""
        return getattr(self._operator, name)

    def run(self, dataset: Any, *, tracer: Any = None, **settings: Any) -> Any:  # noqa: ANN401
        """Run the operator and record what becomes of the rows."""
        from data_juicer.ops import Filter, Mapper

        name = self._ledger.name_of(self._operator._name)  # noqa: SLF001
        self._notes.take()
        with ExitStack() as after:
            for attribute, method in self._methods(tracer):
                original = getattr(self._operator, attribute)
                setattr(self._operator, attribute, method)
                after.callback(setattr, self._operator, attribute, original)
            if not isinstance(self._operator, Filter | Mapper):
                settings["tracer"] = tracer
            try:
                result = self._operator.run(with_rider(dataset), **settings)
            except Exception as error:
                self._explain(name, error)
                raise
        result = self._settle(name, result, len(dataset))
        self._ledger.check()
        self._count(self._operator._name, len(result))  # noqa: SLF001
        return result

    def _explain(self, name: str, error: Any) -> None:  # noqa: ANN401 (an error with its fields)
        """Name the row on which the operator failed, or the rows if they are too many.

        :raises ComponentError: if the error is of this kind
        """
        if is_a(error, RowFailedError):
            place = self._ledger.origin.place(int(self._ledger.rows[error.row]))
            raise ComponentError(f"{name} fails on {place}: {error.error}") from error
        if is_a(error, TooManyFailedError):
            self._take_notes(name)
            self._ledger.check()

    def _methods(self, tracer: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 (untyped)
        """Yield what replaces the operator's methods, by attribute."""
        from data_juicer.ops import Aggregator, Deduplicator, Filter, Mapper

        operator = self._operator
        if isinstance(operator, Mapper | Aggregator):
            multiplies = isinstance(operator, Mapper) and operator.is_batched_op()
            method = _traced(operator, raising(operator, "process"), tracer)
            yield "process", self._guard(method, multiplies=multiplies)
        elif isinstance(operator, Filter):
            yield "compute_stats", self._guard(raising(operator, "compute_stats"))
            if operator.process is not None:
                method = _traced(operator, raising(operator, "process"), tracer)
                tolerated, statistics = self._tolerated, statistics_of(operator)
                guard = DecidingGuard(
                    method, self._notes, tolerated=tolerated, statistics=statistics
                )
                yield "process", guard
        elif isinstance(operator, Deduplicator):
            yield "compute_hash", self._guard(raising(operator, "compute_hash"))
            self._partners.clear()
            yield "process", PartnerFinder(operator, self._partners)

    def _guard(self, method: Any, *, multiplies: bool = False) -> Guard:  # noqa: ANN401 (untyped)
        return Guard(method, self._notes, tolerated=self._tolerated, multiplies=multiplies)

    @property
    def _tolerated(self) -> int | None:
        return max(0, self._ledger.tolerated) if tolerates(self._operator) else None

    def _settle(self, name: str, result: Any, before: int) -> Any:  # noqa: ANN401 (a dataset)
        """Record which rows are missing in the result, and return it without the rider."""
        failed, decided = self._take_notes(name)
        result, positions = take_rider(result)
        if positions is None:
            self._ledger.lose_track(name, self._reason, before - len(failed), len(result))
            return result
        missing = set(range(before)).difference(failed, positions.tolist())
        values = {row: decided[row] for row in missing if row in decided}
        dropped = sorted(missing)
        names = dict.fromkeys(key for row in values.values() for key in row)
        columns = {key: [values.get(row, {}).get(key) for row in dropped] for key in names}
        bounds = bounds_of(self._operator) if values else []
        partners = [self._partners.get(row, -1) for row in dropped] if self._partners else []
        step = DropStep(name, self._reason, dropped, bounds, columns, partners)
        self._ledger.drop(step)
        self._ledger.keep(positions)
        return result

    def _take_notes(self, name: str) -> tuple[list[int], dict[int, dict[str, Any]]]:
        """Record the rows that failed; return them, and the statistics of those filtered out."""
        notes = self._notes.take()
        errors = dict(sorted((note["failed"], note["error"]) for note in notes if "failed" in note))
        rows, texts = list(errors), list(errors.values())
        self._ledger.drop(DropStep(name, DropReason.FAILED, rows, errors=texts))
        decided: dict[int, dict[str, Any]] = {}
        for note in notes:
            columns = note.get("values", {})
            for position, row in enumerate(note.get("dropped", ())):
                decided[row] = {key: column[position] for key, column in columns.items()}
        return rows, decided

    @property
    def _reason(self) -> DropReason:
        from data_juicer.ops import Deduplicator

        duplicates = isinstance(self._operator, Deduplicator)
        return DropReason.DUPLICATE if duplicates else DropReason.FILTERED


def raising(operator: Any, attribute: str) -> Any:  # noqa: ANN401 (untyped)
    """Return an operator's method as it is when ``skip_op_error`` is off: it raises exceptions."""
    from data_juicer.ops.base_op import (
        Filter,
        catch_map_batches_exception,
        catch_map_single_exception,
    )

    method = getattr(operator, attribute)
    if not operator.skip_op_error:
        return method
    name = operator._name  # noqa: SLF001
    if operator.is_batched_op():
        return catch_map_batches_exception(method.__wrapped__, op_name=name)
    returns_rows = not (isinstance(operator, Filter) and attribute == "process")
    return catch_map_single_exception(method.__wrapped__, returns_rows, op_name=name)


def tolerates(operator: Any) -> bool:  # noqa: ANN401 (untyped)
    """Return whether rows on which an operator fails may be left out."""
    fused = getattr(operator, "fused_filters", None)
    return all(map(tolerates, fused)) if fused else bool(operator.skip_op_error)


def _traced(operator: Any, method: Any, tracer: Any) -> Any:  # noqa: ANN401 (untyped)
    """Let Data-Juicer's tracer see what a method does; without the rows that fail."""
    from data_juicer.ops import Filter
    from data_juicer.ops.base_op import wrap_filter_with_tracer, wrap_mapper_with_tracer

    name, batched = operator._name, operator.is_batched_op()  # noqa: SLF001
    if isinstance(operator, Filter):
        return wrap_filter_with_tracer(method, name, tracer, batched)
    return wrap_mapper_with_tracer(method, name, operator.text_key, tracer, batched)
