"""What the user asks for on the command line, and whether a plan can do it."""

import pytest

from djsb_core.errors import RequestError
from djsb_core.runner.options import RunOptions

TWO = """
pipelines:
- a: {execution_job_configs: [{hook: Echo, meta_name: same}, {hook: Echo, meta_name: one}]}
- b: {execution_job_configs: [{hook: Echo, meta_name: same}]}
"""


@pytest.mark.parametrize(
    ("options", "forced"),
    [
        ({}, []),
        ({"force": True}, ["a.same", "a.one", "b.same"]),
        ({"rerun": frozenset({"same"})}, ["a.same", "b.same"]),
        ({"rerun": frozenset({"b.same", "one"})}, ["a.one", "b.same"]),
    ],
)
def test_which_jobs_are_forced(lab, options, forced):
    plan = lab.plan(TWO)
    found = RunOptions(**options)
    found.check(plan)
    specs = [job.spec for job in plan.jobs if found.is_forced(job.spec)]
    assert [f"{spec.pipeline}.{spec.meta_name}" for spec in specs] == forced


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sme", "did you mean 'same'?"),
        ("b.one", "did you mean 'one'?"),
        ("zzzz", "known: one, same"),
    ],
)
def test_a_job_to_run_again_must_be_there(lab, name, hint):
    with pytest.raises(RequestError) as caught:
        RunOptions(rerun=frozenset({name, "same"})).check(lab.plan(TWO))
    assert str(caught.value) == f"--rerun {name}: no such job; {hint}"


def test_a_timeout_needs_a_process(lab):
    plan = lab.plan("execution_job_configs: [{hook: Echo, meta_name: slow, timeout: 15m}]")
    with pytest.raises(RequestError, match=r"'slow' has a timeout.* use --workers 1, or remove"):
        RunOptions().check(plan)
    RunOptions(workers=1).check(plan)


def test_options_that_do_not_fit_run_nothing(lab):
    with pytest.raises(RequestError):
        lab.run(TWO + "work_dir: w\n", rerun=frozenset({"none"}))
    assert not (lab.folder / "w").exists()
