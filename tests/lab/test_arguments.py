"""Wrong arguments are refused by name; a plan is run as it is."""

import pytest

import djsb
from djsb.planner import plan as planning
from djsb_core.errors import ConfigError, RequestError

ECHO = {"work_dir": "w", "execution_job_configs": [{"hook": "Echo", "meta_name": "j"}]}
CYCLE = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: djsb.run(ECHO, workers=-1), RequestError, "workers: needs 0 or more, not -1"),
        (lambda: djsb.run(ECHO, workers="2"), TypeError, "workers: needs a whole number, .*'2'"),
        (lambda: djsb.run(ECHO, placement=3), TypeError, "placement: needs NAME"),
        (lambda: djsb.run(ECHO, rerun="eval"), TypeError, "rerun: needs a collection .*'eval'"),
        (lambda: djsb.run(ECHO, rerun=[1]), TypeError, "rerun: needs a collection .*1"),
        (lambda: djsb.run(ECHO, "foo"), TypeError, "overrides: needs a mapping .*'foo'"),
        (lambda: djsb.run(None), TypeError, "experiment: needs the path of a file, .*None"),
        (lambda: djsb.validate(None), TypeError, "experiment: needs the path of a file, .*None"),
        (lambda: djsb.plan(10**5000), TypeError, "experiment: needs .*a value"),
        (lambda: djsb.validate("a\0"), RequestError, "experiment: a path cannot hold a NUL"),
        (lambda: djsb.open_run(None), TypeError, "run: needs the id of a run, .*None"),
        (lambda: djsb.open_run("last", 3), TypeError, "where: needs the path .*3"),
        (lambda: djsb.runs(3), TypeError, "where: needs the path .*3"),
        (lambda: djsb.Session(-1), RequestError, "workers: needs 0 or more, not -1"),
    ],
)
def test_a_wrong_argument_is_named(lab, call, error, said):
    with pytest.raises(error, match=said):
        call()
    assert not (lab.folder / "w").exists()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (object(), "a value of the type object is no plain data"),
        ({"a": [print]}, "is no plain data"),
        (CYCLE, "a value contains itself or is nested too deeply"),
        (10**5000, "a number has too many digits"),
    ],
    ids=["object", "function", "cycle", "digits"],
)
def test_a_value_that_is_no_plain_data_is_a_problem(lab, value, text):
    path = "execution_job_configs.0.extra_configs.text"
    (problem,) = djsb.validate(ECHO, {path: value})
    assert str(problem).startswith(f"overrides.{path}: ")
    assert text in str(problem)
    (problem,) = djsb.validate({**ECHO, "work_dir": value})
    assert text in str(problem)
    with pytest.raises(ConfigError):
        djsb.run(ECHO, {path: value})


def test_a_plan_is_run_as_it_is(lab, monkeypatch):
    plan = djsb.plan(ECHO)
    assert isinstance(plan, djsb.Plan)

    def survey(experiment):
        pytest.fail("planned again")

    monkeypatch.setattr(planning, "survey", survey)
    assert djsb.run(plan, workers=0).status == "finished"
    assert djsb.validate(plan) == []
    assert djsb.plan(plan) is plan
    for call in (djsb.run, djsb.validate, djsb.plan):
        with pytest.raises(RequestError, match="overrides: a plan is run as it was checked"):
            call(plan, {"work_dir": "v"})
