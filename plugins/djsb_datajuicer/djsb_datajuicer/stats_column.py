"""The column of per-sample statistics, with exactly the values that Data-Juicer would read back.

Data-Juicer starts every row with empty statistics, which ``datasets`` stores as JSON text, written
with ten decimals and read back as the nearest double or its neighbor. Each value makes this round
trip between two operators, and a filter compares the result, in which 0.3 may exceed 0.3. Rows at
a bound are treated the same only if the values here make the same round trip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

STATS = "__dj__stats__"
AS_JSON = "json"


class UnevenStatisticsError(Exception):
    """Rows have different statistics, which a column of structs cannot hold."""


def held_as_json(dataset: Any) -> bool:  # noqa: ANN401 (a dataset, untyped)
    """Return whether a dataset stores its statistics as JSON text, or would if it had any."""
    from data_juicer.core.data import add_same_content_to_new_column
    from datasets import Json

    if STATS not in dataset.features:
        # The first row is enough: the other rows would get the same.
        dataset = dataset.select([0]).map(
            add_same_content_to_new_column,
            fn_kwargs={"new_column_name": STATS, "initial_value": {}},
            keep_in_memory=True,
        )
    return isinstance(dataset.features[STATS], Json)


def settled(stats: Sequence[dict[str, Any]], *, as_json: bool) -> list[dict[str, Any]]:
    """Return the statistics after the round trip through the column."""
    from datasets import Json

    if not as_json:
        return list(stats)
    # All rows as one text: each number makes the same round trip as in the text of its row.
    column = Json()
    settled_rows: list[dict[str, Any]] = column.decode_example(column.encode_example(list(stats)))
    return settled_rows


def packed(stats: Sequence[dict[str, Any]], *, as_json: bool) -> dict[str, pa.Array]:
    """Convert one mapping per row to arrays: one of JSON text, or one per statistic.

    :raises UnevenStatisticsError: if rows have different statistics that are not stored as text
    """
    import pyarrow as pa
    from datasets import Json

    if as_json:
        column = Json()
        return {AS_JSON: pa.array([column.encode_example(row) for row in stats], pa.string())}
    names = list(stats[0]) if stats else []
    if any(list(row) != names for row in stats):
        raise UnevenStatisticsError
    return {name: pa.array([row[name] for row in stats]) for name in names}


def joined(parts: Sequence[dict[str, pa.Array]], *, as_json: bool) -> pa.Array | None:
    """Join the arrays of consecutive rows into one column; ``None`` if it is empty.

    :raises UnevenStatisticsError: if rows have different statistics that are not stored as text
    """
    import pyarrow as pa
    from datasets import Json

    if not parts or not parts[0]:
        return None
    if any(list(part) != list(parts[0]) for part in parts):
        raise UnevenStatisticsError
    tables = [pa.table(part) for part in parts]
    table = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    columns = [column.combine_chunks() for column in table.columns]
    if as_json:
        return Json().cast_storage(columns[0])
    return pa.StructArray.from_arrays(columns, names=table.column_names)
