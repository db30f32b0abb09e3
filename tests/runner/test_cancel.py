"""One job is cancelled with a reason while the run continues."""

import os
import signal
import threading
from contextlib import closing, suppress

import pytest

from djsb.placement.choice import create_placement
from djsb.placement.pool import ExecutorPool
from djsb.placement.resources import broker_of
from djsb.report.show import job_text
from djsb.report.summary import summarize
from djsb.runner import session as session_module
from djsb_core.errors import JobCancelledError
from djsb_core.hookspecs import hookimpl
from djsb_core.interfaces.placement import Cancellation, ProcessSpec
from djsb_core.interfaces.resources import Resources

ENTRY_POINTS = """
[djsb.hooks]
Count = counting:Count
"""
COUNTING = """
    import subprocess
    import time
    from pathlib import Path

    from djsb_core.api import ComponentConfig, Hook
    from pydantic import Field

    class CountConfig(ComponentConfig):
        steps: int = Field(3, description="How many values are reported.")
        child: bool = Field(False, description="Whether a process is started that stays.")
        tries: str = Field("tries.txt", description="Gets a line each time it begins.")

    class Count(Hook[CountConfig, object]):
        config_type = CountConfig
        output_names = ("steps",)

        def run(self, context):
            with Path(self.config.tries).open("a") as file:
                file.write("x")
            if self.config.child:
                child = subprocess.Popen(["sleep", "300"], start_new_session=True)
                Path("child").write_text(str(child.pid))
            for step in range(self.config.steps):
                context.watcher.watch(float(step), "loss", step)
                time.sleep(0.01)
            return (self.config.steps,)
"""
PIPELINES = """
work_dir: w
pipelines:
- a:
    execution_job_configs:
    - {hook: Count, meta_name: long, retries: 2, extra_configs: {steps: 100000, child: true}}
    - {hook: Echo, meta_name: next, input: {extra_configs.number: -1.steps}}
- b:
    execution_job_configs:
    - {hook: Echo, meta_name: needs, input: {extra_configs.number: a.long.steps}}
- c:
    execution_job_configs:
    - {hook: Echo, meta_name: apart}
"""
REASON = "its loss is above the median"


class Pruner:
    """Cancels a job when it has reported a few values, as early termination will."""

    def __init__(self, name="long", step=3):
        self.name = name
        self.step = step
        self.pool = None
        self.failed = []

    @hookimpl
    def djsb_metric_logged(self, job, step):
        if job.meta_name == self.name and step == self.step:
            assert self.pool.cancel(job.folder, REASON)
            assert self.pool.cancel(job.folder, "the first reason is kept")

    @hookimpl
    def djsb_job_failed(self, job, error):
        self.failed.append((job.meta_name, type(error), str(error)))
        assert not self.pool.cancel(job.folder, "it has ended")


@pytest.fixture
def pruner(lab, install, monkeypatch):
    install("counting", COUNTING, ENTRY_POINTS)
    monkeypatch.setenv("PYTHONPATH", str(lab.folder.parent / "site-packages"))
    pruner = Pruner()

    class Pool(ExecutorPool):
        def __init__(self, placement):
            super().__init__(placement)
            pruner.pool = self

    monkeypatch.setattr(session_module, "ExecutorPool", Pool)
    lab.listeners.register(pruner)
    return pruner


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_the_others_run_on(lab, pruner, workers, processes):
    run = lab.run(PIPELINES, workers=workers)
    jobs = lab.jobs(run)
    assert {name: job.status for name, job in jobs.items()} == {
        "long": "cancelled",
        "apart": "finished",
    }
    assert run.status == "finished"
    assert jobs["long"].error == REASON
    assert run.reason == f"a job of 'a' was cancelled: {REASON}"
    assert pruner.failed == [("long", JobCancelledError, REASON)]
    assert (lab.folder / "tries.txt").read_text() == "x"  # it is not retried
    child = int((lab.folder / "child").read_text())
    if workers:
        assert processes.are_gone([child])
    else:  # nothing of this process is killed
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    with closing(lab.store(run)) as store:
        summary = summarize(store, run.id)
        assert f"Stopped: {run.reason}." in summary
        assert "cancelled" in summary
        text = job_text(store, run, [jobs["long"]])
        assert f"error: {REASON}" in text


def test_a_cancelled_job_is_not_filed(lab, pruner):
    text = lab.echo("").replace("Echo", "Count").replace("j0", "long")
    text = text.replace("extra_configs: {}", "extra_configs: {steps: 200}")
    run = lab.run(text, workers=1)
    assert lab.statuses(run) == ["cancelled"]
    pruner.name = "nobody"
    assert lab.statuses(lab.run(text, workers=1)) == ["finished"]
    assert lab.statuses(lab.run(text, workers=1)) == ["cached"]


def test_no_further_iteration_runs(lab, pruner):
    text = PIPELINES + "max_iter_num: 3\n"
    run = lab.run(text, workers=1)
    assert run.status == "finished"
    assert {job.iteration for job in lab.jobs(run).values()} == {1}


def test_a_job_that_waits_for_the_machine_is_cancelled(lab, pruner):
    """From another thread, while somebody else has all CPUs."""

    class Waiter:
        @hookimpl
        def djsb_job_started(self, job):
            threading.Timer(0.3, pruner.pool.cancel, (job.folder, REASON)).start()

    lab.listeners.register(Waiter())
    broker = broker_of(create_placement())
    everything = broker.limit(Resources(cpus=1e9))
    with broker.claim(everything, lambda: None):
        run = lab.run(lab.echo(""), workers=1)
    assert lab.statuses(run) == ["cancelled"]


def test_a_job_that_ignores_the_interrupt_is_killed(bench):
    cancellation = Cancellation()
    with bench.running("stubborn", cancellation) as (pids, ends):
        cancellation.cancel(REASON)
    assert [(type(error), str(error)) for error in ends] == [(JobCancelledError, REASON)]
    assert bench.are_gone(pids)
    assert bench.result("pid") not in (os.getpid(), *pids)


@pytest.mark.parametrize("act", ["sleep", "beside", "two_sessions", "stop_early", "fail_late"])
def test_a_cancellation_ends_the_job_and_its_processes(bench, act):
    cancellation = Cancellation()
    with bench.running(act, cancellation) as (pids, ends):
        cancellation.cancel(REASON)
    assert [(type(error), str(error)) for error in ends] == [(JobCancelledError, REASON)]
    assert bench.are_gone(pids)


def test_a_job_cancelled_before_it_begins_does_nothing(bench):
    cancellation = Cancellation()
    cancellation.cancel(REASON)
    with pytest.raises(JobCancelledError, match=REASON):
        bench.run(None, ProcessSpec(), cancellation, act="orphan_after_failure")
    assert not (bench.folder / "pids").exists()
    assert bench.result("pid") != os.getpid()
