"""Numbers that are too large for what they count."""

import pytest

from djsb.report.cache import parse_size
from djsb_core.errors import RequestError

NINES = "9" * 400


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("resources.memory", f'"{NINES} GiB"', "is larger than any memory"),
        ("resources.memory", f"{'9' * 5000} b", "is larger than any memory"),
        ("resources.memory", f"0x{'f' * 200}", "should be less than or equal to "),
        ("resources.cpus", f"0x{'f' * 256}", "should be a valid number"),
        ("timeout", f"{NINES}d", "should be "),
        ("timeout", "1e300", "should be less than or equal to 3153600000"),
        ("timeout", "40000d", "should be less than or equal to 3153600000"),
    ],
)
def test_a_number_that_is_too_large_is_one_problem(read, key, value, sentence):
    outer, _, inner = key.partition(".")
    setting = f"{outer}: {{{inner}: {value}}}" if inner else f"{key}: {value}"
    (problem,) = read(f"execution_job_configs:\n- hook: H\n  {setting}\n").problems
    assert (problem.line, problem.key) == (3, f"execution_job_configs[0].{key}")
    assert sentence in problem.text
    assert len(problem.text) < 200


def test_a_size_of_the_cache_is_shown_in_part():
    with pytest.raises(RequestError, match="is not a size") as caught:
        parse_size(f"{NINES} GB")
    assert len(str(caught.value)) < 120
