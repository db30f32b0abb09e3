"""Writing datasets: the bytes of Data-Juicer's exporter."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djsb_datajuicer.jsonl_writer import RowEncoder, write_jsonl

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.fixed_dictionaries(
    {
        "text": TEXTS,
        "number": st.none() | NUMBERS,
        "share": st.floats(),
        "flag": st.booleans(),
        "when": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)),  # noqa: DTZ001
        "day": st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)),
        "list": st.lists(st.none() | TEXTS),
        '50% "off" é': st.fixed_dictionaries({"a b": NUMBERS, "deep": st.lists(st.floats())}),
    }
)


def both(rows: list[dict[str, Any]], folder: Path, **more: Any) -> tuple[bytes, bytes]:
    """Write rows with ours and with Data-Juicer's exporter."""
    from data_juicer.core.data import NestedDataset
    from data_juicer.core.exporter import Exporter

    dataset = NestedDataset.from_list(rows, **more)
    write_jsonl(dataset, str(folder / "new" / "ours.jsonl"))
    Exporter._write_jsonl_utf8(dataset, str(folder / "peer.jsonl"))
    return (folder / "new" / "ours.jsonl").read_bytes(), (folder / "peer.jsonl").read_bytes()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(VALUES, min_size=1, max_size=5))
def test_rows_are_written_as_by_the_exporter(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    ours, peer = both(rows, tmp_path)
    assert ours == peer


def test_statistics_held_as_text_are_objects(tmp_path: Path) -> None:
    from datasets import Features, Json, Value

    stats = [{}, {"ratio": 0.1 + 0.2}, {"text": "\u2028é", "list": [1, None]}] * 500
    rows = [{"text": f"row {number}", "s": one} for number, one in enumerate(stats)]
    features = Features({"text": Value("string"), "s": Json()})
    ours, peer = both(rows, tmp_path, features=features)
    assert ours == peer
    assert json.loads(ours.splitlines()[2])["s"] == stats[2]


def test_scalars_of_numpy_are_numbers() -> None:
    import numpy as np

    value = {"a": np.int64(3), "b": np.float32(0.5), "c": np.bool_(True)}
    assert RowEncoder().encode(value) == '{"a": 3, "b": 0.5, "c": true}'


def test_what_data_juicer_cannot_write_is_an_error() -> None:
    with pytest.raises(TypeError, match="bytes is not JSON serializable"):
        RowEncoder().encode({"a": b"raw"})
