import pytest

from djsb_core import errors
from djsb_core.errors import (
    ComponentError,
    ConfigError,
    DjsbError,
    JobError,
    RequestError,
    UnknownComponentError,
    suggest,
)


def test_every_error_is_in_the_tree_of_the_docstring():
    found = [
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, DjsbError)
    ]
    assert [name for name in found if f"{name} " not in errors.__doc__] == []


def test_exit_codes():
    assert (DjsbError.exit_code, JobError.exit_code, ComponentError.exit_code) == (1, 1, 1)
    assert {error.exit_code for error in RequestError.__subclasses__()} == {2}


def test_one_problem_stands_alone_and_several_are_counted():
    assert str(ConfigError(["a"])) == "a"
    assert str(ConfigError(["a", "b"])) == "2 problems\n  a\n  b"


def test_a_message_stays_readable():
    (problem,) = ConfigError([f"x.yaml:1: {'x' * 10_000_000}: unknown key"]).problems
    assert problem.startswith("x.yaml:1: xxx")
    assert problem.endswith("xxx: unknown key")
    assert len(problem) < 3000
    many = ConfigError(f"x.yaml:{i}: wrong" for i in range(10_000))
    assert len(many.problems) == 10_000
    assert str(many).endswith("x.yaml:199: wrong\n  … and 9800 more")
    assert len(str(UnknownComponentError("hook", "x" * 10_000_000, ["Echo"]))) < 3000


def test_an_unknown_component_says_what_to_install_where_that_is_known():
    unknown = UnknownComponentError("hook", "Ecco", ["Echo"])
    assert str(unknown) == "unknown hook 'Ecco'; did you mean 'Echo'?"
    unknown = UnknownComponentError("hook", "Ecco", ["Echo"], "pip install it")
    assert str(unknown) == "unknown hook 'Ecco'; pip install it"


def test_a_failed_job_says_the_kind_of_error_unless_it_is_ours():
    assert str(JobError("'j'", ComponentError("no data"))) == "job 'j' failed: no data"
    assert str(JobError("'j'", ValueError("x"), "l.txt")) == (
        "job 'j' failed: ValueError: x\n  its log: l.txt"
    )


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("lengt", ["length", "width"], "did you mean 'length'?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("zzz", [], "known: none"),
        (3, ["33"], "did you mean '33'?"),
        (None, ["Nones"], "did you mean 'Nones'?"),
    ],
)
def test_suggestions(word, known, hint):
    assert suggest(word, iter(known)) == hint
