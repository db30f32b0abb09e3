import json

import pytest

from djsb_datajuicer.columns import describe_difference


def write(folder, *files):
    paths = []
    for name, rows in zip("abc", files, strict=False):
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return paths


@pytest.mark.parametrize(
    ("rows", "difference"),
    [
        ([{"text": "x", "n": "two"}], "'n' is text, not a number"),
        ([{"text": "x"}], "'n' is missing"),
        ([{"text": "x", "n": 1, "m": {}}], "'m' is added"),
        ([{"text": ["x"], "m": 1}], "'text' is a list, not text, 'n' is missing, 'm' is added"),
    ],
)
def test_the_first_file_that_differs_is_named(tmp_path, rows, difference):
    same = [{"text": None, "n": None}, {"text": "b", "n": 2.5}]
    files = write(tmp_path, [{"text": "a", "n": 1}], same, rows)
    sentence = describe_difference(files)
    assert sentence.startswith(
        f"{files[2]}: its columns differ from those of a.jsonl: {difference}; give all files "
    )
    assert "\n" not in sentence


def test_equal_columns_are_no_difference(tmp_path):
    assert describe_difference([]) is None
    assert describe_difference(write(tmp_path, [{"text": "a"}], [{"text": "b"}])) is None
