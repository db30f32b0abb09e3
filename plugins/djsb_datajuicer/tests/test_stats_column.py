"""Statistics make the trip through the column's text, row by row or together."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from djsb_datajuicer.stats_column import settled

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(-1e14, 1e14) | st.just(float("nan"))
VALUES = NUMBERS | st.none() | st.booleans() | TEXTS | st.lists(NUMBERS | TEXTS)


@settings(deadline=None)
@given(st.lists(st.dictionaries(TEXTS, VALUES)))
def test_rows_settle_together_as_alone(stats: list[dict[str, Any]]) -> None:
    from datasets import Json

    column = Json()
    alone = [column.decode_example(column.encode_example(one)) for one in stats]
    assert repr(settled(stats, as_json=True)) == repr(alone)


def test_structs_stay_as_they_are() -> None:
    stats = [{"ratio": 0.1 + 0.2}]
    assert settled(stats, as_json=False) == stats
