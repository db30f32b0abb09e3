"""Which statistic a refined bound is drawn in."""

import pytest

from djsb_report.bounds import Bound, read_bounds

DATA_JUICER = {  # operators and the statistics that they write, in the order of a recipe
    "text_length_filter": "text_len",
    "alphanumeric_filter": "alnum_ratio",
    "special_characters_filter": "special_char_ratio",
    "character_repetition_filter": "char_rep_ratio",
    "word_repetition_filter": "word_rep_ratio",
    "words_num_filter": "num_words",
    "language_id_score_filter": "lang_score",
    "average_line_length_filter": "avg_line_length",
    "maximum_line_length_filter": "max_line_length",
    "perplexity_filter": "perplexity",
    "image_aesthetics_filter": "image_aesthetics_scores",
}


def bounds_of(new_run, operators, metrics, statistics):
    run = new_run()
    settings = {"dj_configs": {"process": operators}}
    run.add("refine", "R", "refine_recipe", metrics=metrics, settings=settings)
    reading = run.reading
    return read_bounds(reading, reading.jobs[0], statistics)


def new(operator, argument="max_ratio"):
    return f"refined.{operator}.{argument}.new"


def test_operators_of_data_juicer_find_their_statistics(new_run):
    operators = [{name: {"max_ratio": 1}} for name in DATA_JUICER]
    metrics = {new(name): 1.0 for name in DATA_JUICER}
    found = bounds_of(new_run, operators, metrics, list(DATA_JUICER.values()))
    assert {one.operator: one.statistic for one in found} == DATA_JUICER


def test_names_alone_tell_where_the_order_does_not(new_run):
    metrics = {new("word_repetition_filter"): 0.3, new("image_shape_filter", "max_width"): 99.0}
    statistics = ["text_len", "char_rep_ratio", "word_rep_ratio", "image_width", "image_height"]
    found = bounds_of(new_run, ["word_repetition_filter"], metrics, statistics)
    assert [one.statistic for one in found] == ["word_rep_ratio", "image_width"]


@pytest.mark.parametrize(
    ("operator", "statistics"),
    [
        ("threshold_filter", ["text_len", "alnum_ratio"]),
        ("image_filter", ["image_width", "image_height"]),
        ("text_length_filter", []),
        ("other_filter", ["text_len"]),
    ],
)
def test_what_the_names_do_not_tell_is_not_guessed(new_run, operator, statistics):
    (found,) = bounds_of(new_run, [operator], {new(operator): 1.0}, statistics)
    assert found.statistic is None


def test_old_and_new_value(new_run):
    metrics = {"refined.a.b.max_len.old": 9.0, "refined.a.b.max_len.new": 5.0, "other": 1.0}
    (found,) = bounds_of(new_run, [], metrics, [])
    assert found == Bound("a.b", "max_len", 9.0, 5.0, None)


@pytest.mark.parametrize(
    ("argument", "dropped"),
    [("min_len", [1]), ("max_len", [3]), ("threshold", [])],
)
def test_what_a_bound_drops(argument, dropped):
    bound = Bound("o", argument, None, 2.0, "s")
    assert [value for value in (1, 2, 3) if bound.drops(value)] == dropped


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dj_configs": None},
        {"dj_configs": {"process": "x"}},
        {"dj_configs": {"process": [{}, 3]}},
    ],
)
def test_odd_recipes_are_no_error(new_run, settings):
    run = new_run()
    run.add("r", "R", "refine_recipe", metrics={new("a"): 1.0}, settings=settings)
    reading = run.reading
    assert len(read_bounds(reading, reading.jobs[0], ["a"])) == 1
