from typing import get_args

import pytest

from djsb_huggingface.messages import (
    BUILDERS,
    PARSERS,
    BuilderName,
    MessageKeys,
    ParserName,
)

KEYS = MessageKeys()


def test_every_published_name_has_its_function():
    assert set(BUILDERS) == set(get_args(BuilderName))
    assert set(PARSERS) == set(get_args(ParserName))


@pytest.mark.parametrize(
    ("name", "sample", "expected"),
    [
        ("build_messages", {"query": "q"}, [("user", "q")]),
        ("build_messages", {"query": 3, "system": ""}, [("user", "3")]),
        ("build_messages", {"query": "q", "system": "s"}, [("system", "s"), ("user", "q")]),
        (
            "build_messages_for_math_qa",
            {"query": "2+2?", "response": 4, "system": "grade"},
            [("system", "grade"), ("user", "Question: 2+2?\nAnswer: 4")],
        ),
    ],
)
def test_messages_of_a_sample(name, sample, expected):
    messages = BUILDERS[name].build(sample, KEYS)
    assert [(message["role"], message["content"]) for message in messages] == expected
    assert all(key in sample for key in BUILDERS[name].needs(KEYS))


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_what_a_builder_needs_it_needs(name):
    for key in BUILDERS[name].needs(KEYS):
        sample = {"query": "q", "response": "r"}
        del sample[key]
        with pytest.raises(KeyError):
            BUILDERS[name].build(sample, KEYS)


def test_output_is_kept_as_it_is():
    assert PARSERS["parse_output"](" 4\n", {}, KEYS) == " 4\n"


def test_unknown_key_is_refused():
    with pytest.raises(ValueError, match="sytem_key"):
        MessageKeys(sytem_key="s")
