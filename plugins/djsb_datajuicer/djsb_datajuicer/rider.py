"""A column with the position of each row, which travels with the rows through one operator.

After the operator it tells which rows are left, and which rows a row was made from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RIDER = "__djsb_row__"
IN_MEMORY = 256 * 2**20  # bytes of a dataset up to which it is not written to disk again


def with_rider(dataset: Any, numbers: NDArray[Any] | None = None) -> Any:  # noqa: ANN401 (untyped)
    """Return a dataset with the column added; its rows are not copied.

    :param dataset: a ``NestedDataset``
    :param numbers: one number per row; by default, its position
    """
    import numpy as np
    from data_juicer.core.data import NestedDataset
    from data_juicer.utils.fingerprint_utils import Hasher
    from datasets import Dataset, Features, Value
    from datasets.arrow_dataset import update_metadata_with_features
    from datasets.table import InMemoryTable, concat_tables

    numbers = np.arange(len(dataset)) if numbers is None else numbers
    indices = dataset._indices  # noqa: SLF001
    if indices is not None:
        chosen = indices.column(0).to_numpy()
        if len(np.unique(chosen)) < len(chosen):
            return with_rider(NestedDataset(flattened(dataset)), numbers)
        spread = np.full(dataset._data.num_rows, -1)  # noqa: SLF001
        spread[chosen] = numbers
        numbers = spread
    column = InMemoryTable.from_pydict({RIDER: np.asarray(numbers, dtype=np.int64)})
    info = dataset.info.copy()
    info.features = Features({**dataset.features, RIDER: Value("int64")})
    table = concat_tables([dataset._data, column], axis=1)  # noqa: SLF001
    table = update_metadata_with_features(table, info.features)
    fingerprint = Hasher.hash_bytes([dataset._fingerprint.encode(), numbers.tobytes()])  # noqa: SLF001
    ridden = Dataset(table, info, dataset.split, indices_table=indices, fingerprint=fingerprint)
    return NestedDataset(ridden)


def take_rider(dataset: Any) -> tuple[Any, NDArray[Any] | None]:  # noqa: ANN401 (untyped)
    """Return a dataset without the column, and the column; ``None`` if it was lost."""
    import numpy as np

    if RIDER not in dataset.column_names:
        return dataset, None
    if "int" not in str(getattr(dataset.features[RIDER], "dtype", "")):
        # Groups of rows: each counts as its first row.
        firsts = [_first(numbers) for numbers in rider_of(dataset)]
        return dataset.remove_columns([RIDER]), np.asarray(firsts, dtype=np.int64)
    column = dataset.data.column(RIDER)
    if dataset._indices is not None:  # noqa: SLF001
        column = column.take(dataset._indices.column(0))  # noqa: SLF001
    # `datasets` makes a column of floats if a value is missing.
    numbers = column.fill_null(-1).to_numpy().astype(np.int64)
    return dataset.remove_columns([RIDER]), numbers


def rider_of(dataset: Any) -> Sequence[Any]:  # noqa: ANN401 (untyped)
    """Return the values of the column as they are."""
    from datasets import Dataset

    columns = dataset.select_columns([RIDER])
    values: Sequence[Any] = Dataset.__getitem__(columns, slice(None))[RIDER]
    return values


def flattened(dataset: Any) -> Any:  # noqa: ANN401 (untyped)
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


def _first(value: Any) -> int:  # noqa: ANN401 (a number, or nested lists of them)
    while isinstance(value, list):
        value = value[0] if value else -1
    return -1 if value is None else int(value)
