"""Writes datasets as JSON Lines, byte for byte like Data-Juicer's exporter, but faster.

The exporter rebuilds each row value by value and creates an encoder for it. Here one encoder
writes whole columns, and only values that JSON cannot represent are converted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from djsb_datajuicer.forked import forked_map

ROWS = 1000
"""Rows decoded at a time."""
ALONE = 4000
"""With fewer rows, starting a process takes longer than the work."""


class RowEncoder(json.JSONEncoder):
    """Encodes the values of a dataset; converts dates and NumPy scalars like Data-Juicer."""

    def default(self, o: Any) -> Any:  # noqa: ANN401 (any value)
        """Convert a value that JSON cannot represent.

        :raises TypeError: if Data-Juicer does not convert it either
        """
        from data_juicer.core.exporter import Exporter

        converted = Exporter._row_to_json_serializable(o)  # noqa: SLF001
        return super().default(o) if converted is o else converted


def write_jsonl(dataset: Any, export_path: str, processes: int = 1) -> None:  # noqa: ANN401
    """Write a dataset as one JSON object per line.

    :param dataset: a Data-Juicer dataset
    :param export_path: the file; its folder is created
    :param processes: how many encode the rows at most
    """
    from datasets import Dataset

    encode = RowEncoder(ensure_ascii=False).encode
    path = Path(export_path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [encode(name) for name in dataset.column_names]
    # `%` in a name is an ordinary character.
    row = "{" + ", ".join(f"{name.replace('%', '%%')}: %s" for name in names) + "}\n"

    def lines(start: int) -> str:
        batch = Dataset.__getitem__(dataset, slice(start, start + ROWS))
        columns = [map(encode, batch[name]) for name in dataset.column_names]
        return "".join(row % values for values in zip(*columns, strict=True))

    workers = processes if len(dataset) > ALONE else 1
    with path.open("w", encoding="utf-8") as file:
        file.writelines(forked_map(lines, range(0, len(dataset), ROWS), workers))
