"""One problem from where it arises to where it is shown."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.problems import LONG, Problem, Severity, in_order, show_location


def test_locations_are_written_as_in_the_file():
    assert show_location(("a", 0, "b", "c", 12)) == "a[0].b.c[12]"
    assert show_location(()) == ""


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            Problem("unknown", "did you mean 'b'?", Path("x.yaml"), 3, ("jobs", 0, "a")),
            "x.yaml:3: jobs[0].a: unknown; did you mean 'b'?",
        ),
        (Problem("cannot be read", file=Path("x.yaml")), "x.yaml: cannot be read"),
        (Problem("no YAML", file=Path("x.yaml"), line=1), "x.yaml:1: no YAML"),
        (Problem("no 'a' there", location=("--set a.b=1",)), "--set a.b=1: no 'a' there"),
        (Problem("odd"), "odd"),
    ],
)
def test_a_problem_is_one_line(problem, line):
    assert str(problem) == line


def test_a_problem_cannot_be_changed():
    problem = Problem("a")
    with pytest.raises(FrozenInstanceError):
        problem.text = "b"
    assert problem == Problem("a")
    assert len({problem, Problem("a"), Problem("a", severity=Severity.WARNING)}) == 2


def test_json_has_stable_names():
    problem = Problem("a", "b", Path("x.yaml"), 1, ("k", 0), Severity.WARNING)
    assert problem.to_json() == {
        "file": "x.yaml",
        "line": 1,
        "key": "k[0]",
        "text": "a",
        "severity": "warning",
        "remedy": "b",
    }
    assert Problem("a").to_json()["file"] is None


def test_a_long_text_is_cut_where_it_is_shown():
    problem = Problem("x" * 10 * LONG)
    assert len(str(problem)) < LONG + 10
    assert problem.to_json()["text"] == problem.text


problems = st.builds(
    Problem,
    text=st.sampled_from(["wrong", "a: b", "x; y"]),
    remedy=st.sampled_from(["", "y"]),
    file=st.sampled_from([Path("a.yaml"), Path("b: 1.yaml")]),
    line=st.integers(1, 12),
    location=st.sampled_from([(), ("jobs", 0, "a"), ("jobs", 1, "a"), ("jobs", 1, "b"), ("a", 0)]),
)


@given(st.lists(problems))
def test_problems_are_ordered_by_place_and_none_is_lost(found):
    ordered = in_order(found)
    places = [(str(one.file), one.line) for one in ordered]
    assert places == sorted(places)
    assert set(ordered) <= set(found)
    said = {(one.place, one.sentence) for one in ordered}
    assert said == {(one.place, one.sentence) for one in found}
    assert in_order(ordered) == ordered


def test_two_jobs_that_share_a_recipe_have_one_problem():
    recipe = {"file": Path("recipe.yaml"), "line": 3}
    first, second = (
        Problem("x", location=("jobs", i, "dj_configs", "np"), **recipe) for i in (0, 1)
    )
    other = Problem("x", location=("jobs", 0, "dj_configs", "text"), **recipe)
    assert in_order([first, second, other]) == [first, other]


def test_a_severity_equals_its_text():
    assert Problem("p").severity == "error"
    assert f"{Problem('p').severity}" == "error"
