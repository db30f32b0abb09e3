import errno
import sqlite3
from pathlib import Path

import pytest

from djsb_core import errors
from djsb_core.errors import (
    ComponentError,
    ConfigError,
    DjsbError,
    JobError,
    JobsError,
    RequestError,
    UnknownComponentError,
    describe_cause,
    suggest,
)
from djsb_core.problems import Problem, Severity


def test_every_error_is_in_the_tree_of_the_docstring():
    found = [
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, DjsbError)
    ]
    assert [name for name in found if f"{name} " not in errors.__doc__] == []


def test_exit_codes():
    of_the_experiment = (DjsbError, JobError, JobsError, ComponentError)
    assert {error.exit_code for error in of_the_experiment} == {1}
    assert {error.exit_code for error in RequestError.__subclasses__()} == {2}


def test_one_problem_stands_alone_and_several_are_counted():
    assert str(ConfigError([Problem("a")])) == "a"
    assert str(ConfigError([Problem("a"), Problem("b")])) == "2 problems\n  a\n  b"


def test_a_message_stays_readable():
    place = {"file": Path("x.yaml"), "location": ("x" * 10_000_000,)}
    shown = str(ConfigError([Problem("unknown key", line=1, **place)]))
    assert shown.startswith("x.yaml:1: xxx")
    assert shown.endswith("xxx: unknown key")
    assert len(shown) < 3000
    many = ConfigError(Problem("wrong", file=Path("x.yaml"), line=i) for i in range(10_000))
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


def test_failures_of_several_pipelines_are_told_each():
    errors = [JobError("'a'", ComponentError("no data"), "a.txt"), JobError("'b'", ValueError("x"))]
    assert str(JobsError(errors)) == (
        "2 jobs failed\njob 'a' failed: no data\n  its log: a.txt\njob 'b' failed: ValueError: x"
    )


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (ValueError("x"), "ValueError: x"),
        (ComponentError("no data"), "no data"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_what_went_wrong_is_one_sentence(cause, said):
    assert describe_cause(cause) == said


@pytest.mark.parametrize(
    "cause",
    [
        OSError(errno.ENOSPC, "No space left on device", "x"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        sqlite3.OperationalError("database or disk is full"),
        ComponentError("cannot write x: No space left on device"),
    ],
)
def test_a_full_disk_says_what_to_do(cause):
    said = describe_cause(cause)
    assert str(cause) in said
    assert said.endswith(
        "; free disk space, then run the same command again: finished jobs are kept"
    )
    assert said in str(JobError("'j'", cause))


def test_many_known_words_are_not_all_listed():
    words = [f"w{i:03}" for i in range(100)]
    assert suggest("x", words).endswith("w028, w029 and 70 more")


def test_warnings_are_not_counted_as_problems():
    error, warning = Problem("wrong"), Problem("odd", severity=Severity.WARNING)
    assert str(ConfigError([error, warning])) == "wrong\nnote: odd"
    assert str(ConfigError([error, warning, error, warning])) == (
        "2 problems\n  wrong\n  wrong\nnote: odd\nnote: odd"
    )
    assert str(ConfigError([warning])) == "odd"
