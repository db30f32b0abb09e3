import math

import pytest

from djsb.config.targets import parse_target


@pytest.mark.parametrize(
    ("text", "source", "operator", "value"),
    [
        ("pipe.eval.score >= 0.8", "pipe.eval.score", ">=", 0.8),
        ("  pipe.eval.score<=.5  ", "pipe.eval.score", "<=", 0.5),
        ("p.e.score.nested.0 == -2", "p.e.score.nested.0", "==", -2.0),
        ("p.e.text_len.33.3% > 1e-3", "p.e.text_len.33.3%", ">", 0.001),
        ("p.e-2.f1-score < +3", "p.e-2.f1-score", "<", 3.0),
        ("p.e.loss < inf", "p.e.loss", "<", math.inf),
    ],
)
def test_parts(text, source, operator, value):
    target = parse_target(text)
    assert (target.source, target.operator, target.value) == (source, operator, value)
    assert target.text == text.strip()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' must be 'pipeline.meta_name.output >= 0.8'"),
        ("p.e.score", "'p.e.score' must be 'pipeline.meta_name.output >= 0.8'"),
        ("p.e.score >=", "must be 'pipeline.meta_name.output >= 0.8'"),
        (">= 0.8", "must be 'pipeline.meta_name.output >= 0.8'"),
        ("p.e.score >= 0.8 and p.e.x > 1", "must be 'pipeline.meta_name.output >= 0.8'"),
        ("0.8 < p.e.score < 0.9", "must be 'pipeline.meta_name.output >= 0.8'"),
        ("p.e.score => 1", "no comparison '=>'; write one of ==, >=, <=, >, <"),
        ("p.e.score = 1", "no comparison '='; write one of"),
        ("p.e.score != 1", "no comparison '!='; write one of"),
        ("score >= 1", "'score' must be 'pipeline.meta_name.output'"),
        ("e.score >= 1", "'e.score' must be 'pipeline.meta_name.output'"),
        ("p..score >= 1", "'p..score' must be 'pipeline.meta_name.output'"),
        ("p.e.score >= high", "'high' is not a number"),
        ("p.e.score >= 0,8", "'0,8' is not a number"),
        ("p.e.score >= __import__('os').system('ls')", "is not a number"),
        ("p.e.score >= nan", "'nan' cannot be compared with a score"),
    ],
)
def test_a_wrong_target_says_the_right_form(text, sentence):
    with pytest.raises(ValueError) as caught:
        parse_target(text)
    assert sentence in str(caught.value)


def test_a_long_target_is_cut():
    with pytest.raises(ValueError) as caught:
        parse_target("x" * 10_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        ("==", False, True, False),
        (">=", False, True, True),
        ("<=", True, True, False),
        (">", False, False, True),
        ("<", True, False, False),
    ],
)
def test_what_holds(operator, below, at, above):
    target = parse_target(f"p.e.score {operator} 0.5")
    assert [target.holds(value) for value in (0.4, 0.5, 0.6)] == [below, at, above]
    assert not target.holds(math.nan)
