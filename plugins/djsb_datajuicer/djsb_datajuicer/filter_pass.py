"""Run several Data-Juicer filters in one pass over the rows, in worker processes started once.

A row on which a filter fails is lost, and no other: the rows around it are processed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, DropReason, DropStep
from djsb_datajuicer.failures import NEVER_A_ROW, RowFailedError, TooManyFailedError, describe
from djsb_datajuicer.forked import forked_map
from djsb_datajuicer.guard import columns_of
from djsb_datajuicer.known_stats import KNOWN, keys_of
from djsb_datajuicer.ledger import bounds_of, statistics_of
from djsb_datajuicer.rider import flattened
from djsb_datajuicer.stats_column import STATS, held_as_json, joined, packed, settled
from djsb_datajuicer.watched import Watched, raising, tolerates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from djsb_datajuicer.failures import Notes
    from djsb_datajuicer.known_stats import Entry
    from djsb_datajuicer.ledger import Ledger

CHUNK = 1000  # rows per task; Data-Juicer's own batch size
ALONE = 500  # with fewer rows, starting a process takes longer than the work


class OddResultError(Exception):
    """A filter returns another number of rows than it was given."""


class FilterFailedError(Exception):
    """One of the filters fails."""

    def __init__(self, step: int) -> None:
        """Keep which; its error is the cause."""
        super().__init__(step)
        self.step = step


@dataclass(frozen=True)
class Dropped:
    """Rows that one of the filters drops."""

    step: int
    rows: list[int]
    """Positions in the dataset."""
    values: dict[str, list[Any]]
    """Their statistics, by name."""


@dataclass(frozen=True)
class Chunk:
    """The result of the filters for consecutive rows."""

    kept: list[int]
    """Positions in the dataset of the rows that remain."""
    left: list[int]
    """Number of rows after each filter."""
    stats: dict[str, pa.Array] = field(default_factory=dict)
    """The packed statistics of the rows that remain."""
    new: list[Entry] = field(default_factory=list)
    """Statistics that no earlier pass has computed."""
    dropped: list[Dropped] = field(default_factory=list)
    first: int = 0
    """Position of the first row."""
    failed: tuple[int, str] | None = None
    """If a filter fails on its only row: which filter, and the error."""


class FilterPass:
    """Consecutive filters that Data-Juicer's ``process`` runs as one operator."""

    def __init__(
        self,
        filters: Sequence[Any],
        ledger: Ledger,
        notes: Notes,
        *,
        reduce: bool,
        count: Callable[[str, int], None] = lambda _name, _rows: None,
    ) -> None:
        """Combine filters in order.

        :param filters: operators for which :func:`can_share_a_pass` holds
        :param ledger: receives what becomes of each row
        :param notes: for what operators note about single rows
        :param reduce: whether rows are dropped; otherwise statistics are computed for all
        :param count: called with the name of each filter and the number of rows after it
        """
        self.filters = list(filters)
        self.ledger = ledger
        self.notes = notes
        self.reduce = reduce
        self.count = count
        self.as_json = False
        self._failed = 0
        self._methods = [
            (raising(operator, "compute_stats"), raising(operator, "process"))
            for operator in self.filters
        ]
        self._statistics = list(map(statistics_of, self.filters))
        self._name = "+".join(operator._name for operator in self.filters)  # noqa: SLF001
        self._op_cfg = {self._name: [operator._op_cfg for operator in self.filters]}  # noqa: SLF001

    def use_cuda(self) -> bool:
        """Return ``False``: filters that use a GPU never share a pass."""
        return False

    def run(self, dataset: Any, *, exporter: Any = None, tracer: Any = None) -> Any:  # noqa: ANN401
        """Run the filters and return the remaining rows with their statistics."""
        from loguru import logger

        try:
            chunks = [chunk for part in self._chunks(dataset) for chunk in part]
            for chunk in chunks:
                KNOWN.add(chunk.new)
            result = self._result(dataset, chunks)
        except (ComponentError, *NEVER_A_ROW):
            raise
        except RowFailedError as error:
            place = self.ledger.origin.place(int(self.ledger.rows[error.row]))
            raise ComponentError(f"{error.error} on {place}") from error
        except Exception as error:  # noqa: BLE001 (whatever failed, each filter alone handles it)
            logger.warning(f"{self._name}: running one operator at a time after {error!r}")
            return self._one_by_one(dataset, exporter, tracer)
        self._record(chunks)
        return result

    def _one_by_one(self, dataset: Any, exporter: Any, tracer: Any) -> Any:  # noqa: ANN401
        for operator in self.filters:
            watched = Watched(operator, self.ledger, self.notes, self.count)
            dataset = watched.run(dataset, exporter=exporter, tracer=tracer, reduce=self.reduce)
        return dataset

    def _record(self, chunks: Sequence[Chunk]) -> None:
        """Tell the ledger which rows are missing, and count the rest."""
        names = [self.ledger.name_of(operator._name) for operator in self.filters]  # noqa: SLF001
        for step, (name, operator) in enumerate(zip(names, self.filters, strict=True)):
            failed = [chunk for chunk in chunks if chunk.failed and chunk.failed[0] == step]
            rows = [chunk.first for chunk in failed]
            errors = [chunk.failed[1] for chunk in failed if chunk.failed]
            self.ledger.drop(DropStep(name, DropReason.FAILED, rows, errors=errors))
            parts = [part for chunk in chunks for part in chunk.dropped if part.step == step]
            dropped = [row for part in parts for row in part.rows]
            bounds, values = bounds_of(operator), _joined_columns(parts)
            self.ledger.drop(DropStep(name, DropReason.FILTERED, dropped, bounds, values))
        self.ledger.keep([row for chunk in chunks for row in chunk.kept])
        self.ledger.check()
        for step, operator in enumerate(self.filters):
            self.count(operator._name, sum(chunk.left[step] for chunk in chunks))  # noqa: SLF001

    def _chunks(self, dataset: Any) -> Iterator[list[Chunk]]:  # noqa: ANN401 (untyped)
        rows = len(dataset)
        self.as_json = rows > 0 and held_as_json(dataset)
        workers = min(*(operator.runtime_np() or 1 for operator in self.filters), -(-rows // ALONE))
        size = max(1, min(CHUNK, -(-rows // workers))) if workers else 1

        def run(start: int) -> list[Chunk]:
            return list(self.run_chunks(dataset, start, min(size, rows - start)))

        yield from forked_map(run, range(0, rows, size), workers, _name_statistics_plainly)

    def run_chunks(self, dataset: Any, start: int, size: int) -> Iterator[Chunk]:  # noqa: ANN401
        """Run the filters over ``size`` rows starting at ``start``; halve these if one fails."""
        try:
            yield self._run_chunk(dataset, start, size)
        except FilterFailedError as error:
            if size == 1:
                yield self._failed_chunk(start, error.step, error.__cause__ or error)
                return
            half = size // 2
            yield from self.run_chunks(dataset, start, half)
            yield from self.run_chunks(dataset, start + half, size - half)

    def _failed_chunk(self, row: int, step: int, error: BaseException) -> Chunk:
        operator = self.filters[step]
        if not tolerates(operator):
            raise RowFailedError(row, f"{operator._name} fails with {describe(error)}")  # noqa: SLF001
        self._failed += 1
        if self._failed > max(0, self.ledger.tolerated):
            raise TooManyFailedError
        left = [1] * step + [0] * (len(self.filters) - step)
        return Chunk([], left, failed=(step, describe(error)), first=row)

    def _run_chunk(self, dataset: Any, start: int, size: int) -> Chunk:  # noqa: ANN401 (untyped)
        batch = _nested_batch(dataset, start, size)
        batch.setdefault(STATS, _nested_stats([{} for _ in range(size)]))
        positions = list(range(start, start + size))
        counts = []
        new: list[Entry] = []
        dropped = []
        for step, _operator in enumerate(self.filters):
            try:
                stats, entries = self._measure(step, batch, len(positions))
                batch[STATS] = _nested_stats(settled(stats, as_json=self.as_json))
                keep = self._decide(step, batch) if self.reduce else None
            except NEVER_A_ROW:
                raise
            except Exception as error:
                raise FilterFailedError(step) from error
            new += entries
            if keep is not None and not all(keep):
                out = [not kept for kept in keep]
                values = columns_of(list(compress(batch[STATS], out)), self._statistics[step])
                dropped.append(Dropped(step, list(compress(positions, out)), values))
                positions = list(compress(positions, keep))
                batch = {name: list(compress(values, keep)) for name, values in batch.items()}
            counts.append(len(positions))
        arrays = packed(batch[STATS], as_json=self.as_json)
        return Chunk(positions, counts, arrays, new, dropped)

    def _measure(
        self, step: int, batch: dict[str, list[Any]], rows: int
    ) -> tuple[list[dict[str, Any]], list[Entry]]:
        """Let a filter add to the statistics of a batch; return them, and those that are new."""
        operator = self.filters[step]
        keys = keys_of(operator, batch.get(operator.text_key, [None] * rows))
        before = [set(row) for row in batch[STATS]]
        KNOWN.fill_in(keys, batch[STATS])
        stats: list[dict[str, Any]] = []
        for part in _parts(operator, batch):
            size = len(part[STATS])
            result = self._methods[step][0](part)
            if set(result) != set(batch) or len(result[STATS]) != size:
                raise OddResultError
            stats += result[STATS]
        return stats, KNOWN.new(keys, before, stats)

    def _decide(self, step: int, batch: dict[str, list[Any]]) -> list[bool]:
        """Return for each row of a batch whether a filter keeps it."""
        keep: list[bool] = []
        for part in _parts(self.filters[step], batch):
            result = self._methods[step][1](part)
            decisions = [] if isinstance(result, dict) else [bool(decision) for decision in result]
            if len(decisions) != len(part[STATS]):
                raise OddResultError
            keep += decisions
        return keep

    def _result(self, dataset: Any, chunks: Sequence[Chunk]) -> Any:  # noqa: ANN401 (untyped)
        from data_juicer.core.data import NestedDataset
        from data_juicer.utils.fingerprint_utils import Hasher

        positions = [row for chunk in chunks for row in chunk.kept]
        if len(positions) < len(dataset):
            dataset = dataset.select(positions)
        before = dataset._fingerprint  # noqa: SLF001
        state = [one._fingerprint_bytes() for one in self.filters]  # noqa: SLF001
        stats = joined([one.stats for one in chunks if one.kept], as_json=self.as_json)
        if stats is None:
            return NestedDataset(dataset)
        flat = NestedDataset(flattened(dataset))
        if STATS in flat.column_names:
            flat = flat.remove_columns([STATS])
        fingerprint = Hasher.hash_bytes([before.encode(), *state])
        return flat.add_column(STATS, stats, new_fingerprint=fingerprint, feature=_feature(stats))


def can_share_a_pass(operator: Any) -> bool:  # noqa: ANN401 (an operator, untyped)
    """Return whether an operator is a plain Data-Juicer filter, which treats rows independently.

    Those that use a GPU, write tags, depend on other rows or have their own files are not; nor are
    third-party operators, about which nothing is known.
    """
    from data_juicer.ops import (
        ATTRIBUTION_FILTERS,
        OPERATORS,
        TAGGING_OPS,
        UNFORKABLE,
        Filter,
    )

    name = operator._name  # noqa: SLF001
    return (
        isinstance(operator, Filter)
        and type(operator).run is Filter.run
        and type(operator).__module__.startswith("data_juicer.ops.filter.")
        and name in OPERATORS.modules
        and not any(
            name in registry.modules for registry in (ATTRIBUTION_FILTERS, TAGGING_OPS, UNFORKABLE)
        )
        and operator.accelerator == "cpu"
        and operator.index_key is None
        and operator.stats_export_path is None
    )


def _joined_columns(parts: Sequence[Dropped]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for part in parts for name in part.values)
    return {
        name: [value for part in parts for value in part.values.get(name, [None] * len(part.rows))]
        for name in names
    }


def _feature(stats: pa.Array) -> Any:  # noqa: ANN401 (a feature of datasets, untyped)
    from datasets.features.features import generate_from_arrow_type

    return generate_from_arrow_type(stats.type)


def _name_statistics_plainly() -> None:
    """Make the names of statistics plain attributes in a worker process.

    Data-Juicer records at each access which module uses which name; in a worker process these
    records would be lost anyway.
    """
    from data_juicer.utils.constant import StatsKeys, StatsKeysConstant

    for attribute, name in vars(StatsKeysConstant).items():
        if not attribute.startswith("_"):
            setattr(StatsKeys, attribute, name)


def _nested_batch(dataset: Any, start: int, size: int) -> dict[str, list[Any]]:  # noqa: ANN401
    """Read rows as columns, wrapped as Data-Juicer wraps the input of an operator."""
    from data_juicer.core.data.dj_dataset import nested_obj_factory
    from datasets import Dataset

    batch = Dataset.__getitem__(dataset, slice(start, start + size))
    return {name: nested_obj_factory(values) for name, values in batch.items()}


def _nested_stats(stats: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    from data_juicer.core.data.dj_dataset import NestedQueryDict

    return [NestedQueryDict(row) for row in stats]


def _parts(operator: Any, batch: dict[str, list[Any]]) -> Iterator[dict[str, list[Any]]]:  # noqa: ANN401
    """Split a batch as Data-Juicer does: into the operator's batches, or for most into rows."""
    from data_juicer.core.data.dj_dataset import NestedQueryDict

    rows = len(batch[STATS])
    size = operator.batch_size if operator.is_batched_op() else 1
    for start in range(0, rows, size):
        # Filled after its creation: Data-Juicer would wrap constructor arguments once more.
        part = NestedQueryDict()
        part.update({name: values[start : start + size] for name, values in batch.items()})
        yield part
