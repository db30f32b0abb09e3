"""Statistics that are computed once: the values that Data-Juicer's filters compute each time."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from djsb_datajuicer.failures import Notes
from djsb_datajuicer.filter_pass import FilterPass
from djsb_datajuicer.known_stats import BOUNDS, KNOWN, TEXT_ALONE, KnownStats, keys_of
from djsb_datajuicer.ledger import Ledger, Origin
from djsb_datajuicer.stats_column import STATS

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
BOUND = {
    "min_len": 3,
    "max_len": 40,
    "min_num": 2,
    "max_num": 9,
    "min_ratio": 0.2,
    "max_ratio": 0.7,
}


def load(*process: dict[str, Any]) -> list[Any]:
    from data_juicer.ops import load_ops

    return list(load_ops(list(process)))


def parameters(name: str) -> set[str]:
    from data_juicer.ops import OPERATORS

    return set(signature(OPERATORS.modules[name].__init__).parameters)


def strict(name: str) -> dict[str, Any]:
    """Return a filter with other bounds than its own."""
    return {name: {key: value for key, value in BOUND.items() if key in parameters(name)}}


def measured(operator: Any, texts: list[str]) -> list[dict[str, Any]]:
    """Let Data-Juicer itself compute statistics."""
    batch = {"text": list(texts), STATS: [{} for _ in texts]}
    return [dict(row) for row in operator.compute_stats_batched(batch)[STATS]]


@pytest.mark.parametrize("name", sorted(TEXT_ALONE))
def test_every_filter_has_bounds(name: str) -> None:
    assert len(parameters(name) & BOUNDS) == 2


@pytest.mark.parametrize("name", sorted(TEXT_ALONE))
@settings(max_examples=25, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_bounds_change_nothing_that_is_measured(name: str, texts: list[str]) -> None:
    plain, bounded = load({name: {}}, strict(name))
    assert measured(plain, texts) == measured(bounded, texts)
    assert keys_of(plain, texts) == keys_of(bounded, texts)
    assert len(set(keys_of(plain, texts))) == len(set(texts))


def filter_pass(filters: list[Any], rows: int, *, reduce: bool) -> FilterPass:
    ledger = Ledger(Origin(np.arange(rows)), limit=0)
    return FilterPass(filters, ledger, Notes(Path("notes")), reduce=reduce)


def run(process: list[dict[str, Any]], texts: list[Any], *, reduce: bool) -> list[dict[str, Any]]:
    from data_juicer.core.data import NestedDataset

    dataset = NestedDataset.from_list([{"text": text} for text in texts])
    rows = filter_pass(load(*process), len(dataset), reduce=reduce).run(dataset)
    return [dict(row) for row in rows]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(TEXTS.filter(bool), min_size=2, max_size=6))
def test_a_pass_gives_the_same_whatever_is_known(texts: list[str]) -> None:
    process = [strict(name) for name in sorted(TEXT_ALONE)]
    passes = [
        (process, False),
        (process, True),
        ([{name: {}} for name in sorted(TEXT_ALONE, reverse=True)], True),
        (process, False),
    ]
    known = [run(steps, texts, reduce=reduce) for steps, reduce in passes]
    for (steps, reduce), rows in zip(passes, known, strict=True):
        KNOWN._values.clear()
        assert run(steps, texts, reduce=reduce) == rows


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"character_repetition_filter": {"rep_len": 3}}, {"character_repetition_filter": {}}),
        ({"words_num_filter": {"lang": "en"}}, {"words_num_filter": {"lang": "zh"}}),
        ({"text_length_filter": {}}, {"maximum_line_length_filter": {}}),
    ],
)
def test_another_argument_or_filter_is_another_key(first: Any, second: Any) -> None:
    keys = [keys_of(operator, ["a text"]) for operator in load(first, second)]
    assert keys[0] != keys[1]


def test_what_depends_on_more_than_the_text_is_not_known() -> None:
    operators = [
        SimpleNamespace(_name=name, _op_cfg={name: arguments})
        for name, arguments in [
            ("words_num_filter", {"tokenization": True}),
            ("stopwords_filter", {"stopwords_dir": "words"}),
        ]
    ]
    assert [keys_of(operator, ["a"]) for operator in operators] == [[None], [None]]


def test_statistics_of_the_dataset_stay_as_they_are() -> None:
    from data_juicer.core.data import NestedDataset

    rows = [{"text": "some words", STATS: {"text_len": 99}}, {"text": "a", STATS: {"text_len": 1}}]
    KNOWN._values.clear()
    for _ in range(2):
        (operator,) = load({"text_length_filter": {"min_len": 50}})
        filters = filter_pass([operator], len(rows), reduce=True)
        kept = filters.run(NestedDataset.from_list(rows))
        assert [row["text"] for row in kept] == ["some words"]
        run([{"text_length_filter": {}}], ["some words", "a"], reduce=False)


def test_only_texts_have_keys() -> None:
    (operator,) = load({"text_length_filter": {}})
    assert keys_of(operator, [None, 5, ["a"]]) == [None] * 3


def test_the_oldest_are_forgotten() -> None:
    known = KnownStats(limit=2)
    known.add([(b"1", (("len", 1),)), (b"2", (("len", 2),)), (b"3", (("len", 3),))])
    rows: list[dict[str, Any]] = [{}, {"old": 0}, {}]
    known.fill_in([b"1", b"2", b"3"], rows)
    assert rows == [{}, {"old": 0, "len": 2}, {"len": 3}]
