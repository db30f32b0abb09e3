"""Run several Data-Juicer filters in one pass over the rows, in worker processes started once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError
from djsb_datajuicer.forked import forked_map
from djsb_datajuicer.known_stats import KNOWN, keys_of
from djsb_datajuicer.stats_column import STATS, held_as_json, joined, packed, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from djsb_datajuicer.known_stats import Entry

CHUNK = 1000  # rows per task; Data-Juicer's own batch size
ALONE = 500  # with fewer rows, starting a process takes longer than the work
IN_MEMORY = 256 * 2**20  # bytes of a dataset up to which it is not written to disk again


class CannotShareError(Exception):
    """The filters cannot share a pass after all: one of them fails on a row."""


@dataclass(frozen=True)
class Chunk:
    """The result of the filters for consecutive rows."""

    kept: list[int]
    """Positions in the dataset of the rows that remain."""
    left: list[int]
    """Number of rows after each filter."""
    stats: dict[str, pa.Array]
    """The packed statistics of the rows that remain."""
    new: list[Entry]
    """Statistics that no earlier pass has computed."""


class FilterPass:
    """Consecutive filters that Data-Juicer's ``process`` runs as one operator."""

    def __init__(
        self,
        filters: Sequence[Any],
        *,
        reduce: bool,
        count: Callable[[str, int], None] = lambda _name, _rows: None,
    ) -> None:
        """Combine filters in order.

        :param filters: operators for which :func:`can_share_a_pass` holds
        :param reduce: whether rows are dropped; otherwise statistics are computed for all
        :param count: called with the name of each filter and the number of rows after it
        """
        self.filters = list(filters)
        self.reduce = reduce
        self.count = count
        self.as_json = False
        self._name = "+".join(operator._name for operator in self.filters)  # noqa: SLF001
        self._op_cfg = {self._name: [operator._op_cfg for operator in self.filters]}  # noqa: SLF001

    def use_cuda(self) -> bool:
        """Return ``False``: filters that use a GPU never share a pass."""
        return False

    def run(self, dataset: Any, *, exporter: Any = None, tracer: Any = None) -> Any:  # noqa: ANN401
        """Run the filters and return the remaining rows with their statistics."""
        from loguru import logger

        try:
            chunks = list(self._chunks(dataset))
            for chunk in chunks:
                KNOWN.add(chunk.new)
            result = self._result(dataset, chunks)
        except ComponentError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever failed, Data-Juicer handles it)
            logger.warning(f"{self._name}: running one operator at a time after {error!r}")
            return self._one_by_one(dataset, exporter, tracer)
        for position, operator in enumerate(self.filters):
            self.count(operator._name, sum(chunk.left[position] for chunk in chunks))  # noqa: SLF001
        return result

    def _one_by_one(self, dataset: Any, exporter: Any, tracer: Any) -> Any:  # noqa: ANN401
        for operator in self.filters:
            dataset = operator.run(dataset, exporter=exporter, tracer=tracer, reduce=self.reduce)
            self.count(operator._name, len(dataset))  # noqa: SLF001
        return dataset

    def _chunks(self, dataset: Any) -> Iterator[Chunk]:  # noqa: ANN401 (untyped)
        rows = len(dataset)
        self.as_json = rows > 0 and held_as_json(dataset)
        workers = min(*(operator.runtime_np() or 1 for operator in self.filters), -(-rows // ALONE))
        size = max(1, min(CHUNK, -(-rows // workers))) if workers else 1

        def run(start: int) -> Chunk:
            return self.run_chunk(dataset, start, size)

        yield from forked_map(run, range(0, rows, size), workers, _name_statistics_plainly)

    def run_chunk(self, dataset: Any, start: int, size: int) -> Chunk:  # noqa: ANN401 (untyped)
        """Run the filters over ``size`` rows starting at ``start``."""
        batch = _nested_batch(dataset, start, size)
        count = len(next(iter(batch.values())))
        batch.setdefault(STATS, _nested_stats([{} for _ in range(count)]))
        positions = list(range(start, start + count))
        counts = []
        new: list[Entry] = []
        for operator in self.filters:
            keys = keys_of(operator, batch.get(operator.text_key, [None] * len(positions)))
            before = [set(row) for row in batch[STATS]]
            KNOWN.fill_in(keys, batch[STATS])
            stats = _compute(operator, batch)
            new += KNOWN.new(keys, before, stats)
            batch[STATS] = _nested_stats(settled(stats, as_json=self.as_json))
            if self.reduce:
                keep = _decide(operator, batch)
                positions = list(compress(positions, keep))
                batch = {name: list(compress(values, keep)) for name, values in batch.items()}
            counts.append(len(positions))
        return Chunk(positions, counts, packed(batch[STATS], as_json=self.as_json), new)

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
        flat = NestedDataset(_flattened(dataset))
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


def _flattened(dataset: Any) -> Any:  # noqa: ANN401 (untyped)
    """Return the selected rows as a separate dataset; ``datasets`` copies them one by one."""
    from datasets import Dataset
    from datasets.table import InMemoryTable

    if dataset._indices is None:  # noqa: SLF001
        return dataset
    if dataset.data.nbytes >= IN_MEMORY:
        return dataset.flatten_indices()
    chosen = dataset._indices.column(0)  # noqa: SLF001
    table = InMemoryTable(dataset.data.table.take(chosen))
    return Dataset(table, dataset.info.copy(), dataset.split, fingerprint=dataset._fingerprint)  # noqa: SLF001


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


def _compute(operator: Any, batch: dict[str, list[Any]]) -> list[dict[str, Any]]:  # noqa: ANN401
    """Let a filter add to the statistics of a batch (columns of rows), and return them."""
    stats: list[dict[str, Any]] = []
    for part in _parts(operator, batch):
        size = len(part[STATS])
        result = operator.compute_stats(part)
        if set(result) != set(batch) or len(result[STATS]) != size:
            raise CannotShareError(f"{operator._name} fails on a row")  # noqa: SLF001
        stats += result[STATS]
    return stats


def _decide(operator: Any, batch: dict[str, list[Any]]) -> list[bool]:  # noqa: ANN401 (untyped)
    """Return for each row of a batch whether a filter keeps it."""
    keep: list[bool] = []
    for part in _parts(operator, batch):
        result = operator.process(part)
        decisions = [] if isinstance(result, dict) else [bool(decision) for decision in result]
        if len(decisions) != len(part[STATS]):
            raise CannotShareError(f"{operator._name} fails on a row")  # noqa: SLF001
        keep += decisions
    return keep


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
