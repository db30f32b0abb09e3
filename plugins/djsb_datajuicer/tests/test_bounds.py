"""Making a bound legal keeps the same samples: tried with the operators' own comparison."""

from __future__ import annotations

import random
from typing import Any

import pytest

from djsb_datajuicer.bounds import WHOLE, Interval, legal, shown
from djsb_datajuicer.operators import operator_of

CASES = [
    ("text_length_filter", "text_len", "len"),
    ("words_num_filter", "num_words", "num"),
    ("maximum_line_length_filter", "max_line_length", "len"),
    ("alphanumeric_filter", "alnum_ratio", "ratio"),
    ("perplexity_filter", "perplexity", "ppl"),
    ("image_pair_similarity_filter", "image_pair_similarity", "score"),
    ("video_ocr_area_ratio_filter", "video_ocr_area_ratio", "area_ratio"),
]
FLAGS: list[dict[str, bool]] = [
    {},
    {"min_closed_interval": False, "max_closed_interval": False},
    {"reversed_range": True},
    {"reversed_range": True, "min_closed_interval": False},
]


def samples(stat: str, choose: random.Random) -> list[float]:
    """Draw values that such a statistic can have."""
    count = choose.randint(2, 60)
    if stat in WHOLE:
        top = choose.choice([3, 50, 5000])
        return [choose.randint(0, top) for _ in range(count)]
    scale = 1 if stat != "perplexity" else 3000
    return [choose.choice([0, 1, choose.random()]) * scale for _ in range(count)]


def kept(values: list[float], low: float, high: float, flags: dict[str, bool]) -> list[bool]:
    """Ask Data-Juicer which values are kept."""
    from data_juicer.ops.base_op import Filter

    judge = Filter(**flags)
    return [judge.get_keep_boolean(value, low, high) for value in values]


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize(("name", "stat", "ending"), CASES)
def test_the_same_samples_are_kept(
    name: str, stat: str, ending: str, flags: dict[str, bool]
) -> None:
    operator = operator_of(name, {})
    assert operator is not None
    choose = random.Random(f"{name}{flags}")  # noqa: S311 (the same each time)
    for _ in range(200):
        values = samples(stat, choose)
        mean = sum(values) / len(values)
        std = (sum((one - mean) ** 2 for one in values) / (len(values) - 1)) ** 0.5
        k = choose.uniform(0.2, 3)
        low, high = mean - k * std, mean + k * std
        seen = {"min": min(values), "max": max(values)}
        made = [
            legal(bound, Interval.of(argument, flags), operator.parameters[argument], stat, seen)
            for argument, bound in ((f"min_{ending}", low), (f"max_{ending}", high))
        ]
        if name == "image_pair_similarity_filter" and flags:
            # Its documented range is 0 to 1 however the range is read.
            assert all(0 <= one <= 1 for one in made)
            continue
        assert kept(values, *made, flags) == kept(values, low, high, flags)


def test_whole_numbers_for_a_statistic_with_fractions_drop_nothing_more() -> None:
    operator = operator_of("average_line_length_filter", {})
    assert operator is not None
    made = [
        legal(bound, Interval.of(name, {}), operator.parameters[name], "avg_line_length", {})
        for name, bound in (("min_len", 10.4), ("max_len", 20.4))
    ]
    assert made == [10, 21]


def test_sizes_are_texts_without_a_point() -> None:
    operator = operator_of("image_size_filter", {})
    assert operator is not None
    parameter = operator.parameters["min_size"]
    made = legal(-3.5, Interval.of("min_size", {}), parameter, "image_sizes", {"min": 9.0})
    assert shown(made, parameter) == "0"
    made = legal(3.5, Interval.of("min_size", {}), parameter, "image_sizes", {"min": 9.0})
    assert shown(made, parameter) == "4"


@pytest.mark.parametrize(
    ("name", "argument", "stat", "value", "wanted"),
    [
        ("image_pair_similarity_filter", "min_score", "image_pair_similarity", -0.3, 0.0),
        ("image_pair_similarity_filter", "max_score", "image_pair_similarity", 1.3, 1.0),
        ("video_motion_score_filter", "max_size", "video_motion_score", -4.2, 1),
    ],
)
def test_documented_ranges_hold(
    name: str, argument: str, stat: str, value: float, wanted: Any
) -> None:
    operator = operator_of(name, {})
    assert operator is not None
    parameter = operator.parameters[argument]
    assert legal(value, Interval.of(argument, {}), parameter, stat, {}) == wanted
