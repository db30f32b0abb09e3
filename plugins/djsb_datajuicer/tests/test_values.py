"""What Data-Juicer's own parser (jsonargparse) takes for an operator's argument, djsb takes too."""

from __future__ import annotations

import contextlib
import io
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonargparse import ArgumentError, ArgumentParser

from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.sources import operator_files
from djsb_datajuicer.values import WrongTypeError, converted

NUMBERS = st.integers(-5, 10**6) | st.floats(-3, 1e6, allow_nan=False)
TEXTS = (
    NUMBERS.map(str)
    | st.sampled_from(["", "true", "no", "null", "2e5", "1e-3", "0x10", "7/5", "[1, 2]", "[a]"])
    | st.sampled_from(['{"a": 1}', "inf", " 5", "1_000", "a b", "[", "a: b: c"])
)
SCALARS = NUMBERS | TEXTS | st.booleans()
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(TEXTS, SCALARS, max_size=2)
QUICK = ("words_num_filter", "remove_table_text_mapper", "video_motion_score_filter")
UNTYPED = ("Untyped", "Callable", "ConditionalDefault")
"""Signs of arguments for which Data-Juicer's parser has no type: it takes anything there."""


@lru_cache(maxsize=1)
def operators() -> dict[str, Any]:
    from data_juicer.ops.base_op import OPERATORS

    return dict(OPERATORS.modules)


def arguments(names: Any) -> dict[tuple[str, str], tuple[Any, Any]]:
    """Return one argument of each kind: its type for the parser, and for djsb."""
    kinds = {}
    for name in names:
        operator = operator_of(name, {})
        parser = ArgumentParser(exit_on_error=False)
        parser.add_class_arguments(
            operators()[name], nested_key=name, fail_untyped=False, instantiate=False
        )
        assert operator is not None
        for action in parser._actions:
            theirs = getattr(action, "_typehint", None) or action.type
            parameter = operator.parameters.get(action.dest.removeprefix(f"{name}."))
            if theirs is None or parameter is None or has_no_type(theirs, parameter.hint):
                continue
            kinds[str(theirs), str(parameter.hint)] = (theirs, parameter.hint)
    return kinds


def has_no_type(theirs: Any, hint: Any) -> bool:
    """Tell whether the parser does not know a type that the source states, or its bounds."""
    lost = theirs in (int, float) and any(sign in str(hint) for sign in ("Gt(", "Ge("))
    return lost or any(sign in str(theirs) for sign in UNTYPED)


def check(theirs: Any, hint: Any, value: object) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--value", type=theirs)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            read = parser.parse_object({"value": value})["value"]
    except ArgumentError:
        return
    ours = converted(hint, value)
    # Where a type takes text and something else, text stays as it is written.
    assert read is None or ours == value or listed(ours) == listed(read), (theirs, value)


def listed(value: object) -> object:
    return list(value) if isinstance(value, tuple | set) else value


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_what_the_parser_takes_is_taken(data: st.DataObject) -> None:
    kinds = quick_kinds()
    theirs, hint = kinds[data.draw(st.sampled_from(sorted(kinds)))]
    check(theirs, hint, data.draw(VALUES))


@lru_cache(maxsize=1)
def quick_kinds() -> dict[tuple[str, str], tuple[Any, Any]]:
    return arguments(QUICK)


@pytest.mark.slow
def test_what_the_parser_takes_is_taken_by_all_operators() -> None:
    kinds = arguments(name for name in operators() if name in operator_files())
    assert len(operators()) > 200

    @given(value=VALUES)
    @settings(max_examples=60, deadline=None)
    def compare(value: object) -> None:
        for theirs, hint in kinds.values():
            check(theirs, hint, value)

    compare()


@pytest.mark.parametrize(
    ("name", "argument", "value", "result"),
    [
        ("video_resize_aspect_ratio_mapper", "min_ratio", 1, "1"),
        ("video_resize_aspect_ratio_mapper", "max_ratio", 1.5, "1.5"),
        ("text_length_filter", "max_len", "2e5", 200_000),
        ("text_length_filter", "max_len", 2.0, 2.0),
        ("word_repetition_filter", "tokenization", "yes", True),
    ],
)
def test_published_values(name: str, argument: str, value: object, result: object) -> None:
    operator = operator_of(name, {})
    assert operator is not None
    read = converted(operator.parameters[argument].hint, value)
    assert (read, type(read)) == (result, type(result))


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("text_length_filter", "max_len", "many"),
        ("text_length_filter", "max_len", 2.5),
        ("words_num_filter", "tokenization", 1),
        ("words_num_filter", "lang", False),
        ("remove_table_text_mapper", "max_col", 30),
    ],
)
def test_other_values_are_refused(name: str, argument: str, value: object) -> None:
    operator = operator_of(name, {})
    assert operator is not None
    with pytest.raises(WrongTypeError, match=r"Input should be .*, not "):
        converted(operator.parameters[argument].hint, value)
