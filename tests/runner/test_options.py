"""What the user asks for on the command line, and whether a plan can do it."""

from contextlib import closing

import pytest

from djsb.runner.options import RunOptions
from djsb.store.store import Store
from djsb_core.api import hookimpl
from djsb_core.errors import RequestError

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
    found.check(plan, 0)
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
        RunOptions(rerun=frozenset({name, "same"})).check(lab.plan(TWO), 0)
    assert str(caught.value) == f"rerun: no such job '{name}'; {hint}"


def test_a_timeout_needs_a_process(lab):
    plan = lab.plan("execution_job_configs: [{hook: Echo, meta_name: slow, timeout: 15m}]")
    with pytest.raises(RequestError, match=r"'slow' has a timeout.* use --workers 1, or remove"):
        RunOptions().check(plan, 0)
    RunOptions().check(plan, 1)


def test_options_that_do_not_fit_run_nothing(lab):
    with pytest.raises(RequestError):
        lab.run(TWO + "work_dir: w\n", rerun=frozenset({"none"}))
    assert not (lab.folder / "w").exists()


def test_a_run_may_belong_to_a_sweep(lab):
    text = lab.echo("text: a")
    with pytest.raises(RequestError, match=r"no sweep 'none' in .*; known: none"):
        lab.run(text, sweep="none")
    assert not list(lab.folder.glob("w/runs/*"))
    with closing(Store(lab.folder / "w")) as store:
        sweep = store.add_sweep(name="rates", project_name="p", config={})
    told = []

    class Ear:
        @hookimpl
        def djsb_run_started(self, group):
            told.append(group)

    lab.listeners.register(Ear())
    runs = [lab.run(text), lab.run(text, sweep=sweep.id)]
    assert [run.sweep for run in runs] == [None, sweep.id]
    assert told == [None, "rates"]
