"""Which pipelines run, in which order, and side by side."""

import threading
from itertools import combinations

import pytest

from djsb.runner.schedule import Outcome, Schedule

LONG = 30
"""Seconds after which a test has failed; none waits so long."""


@pytest.fixture(params=[0, 1, 3])
def run(request):
    """Return a function that runs a schedule: here, or with so many workers."""

    def run_schedule(schedule, run_one, stopped=lambda: False):
        if request.param == 0:
            return schedule.run_here(run_one)
        return schedule.run_side_by_side(run_one, request.param, stopped, bool)

    return run_schedule


def schedule(text, *, keep_going=False):
    """Read ``a b>a c>ab``: three pipelines, with those that each waits for."""
    pairs = [word.partition(">") for word in text.split()]
    needs = {name: frozenset(found) for name, _, found in pairs}
    return Schedule([name for name, *_ in pairs], needs, keep_going)


def failing(*names, log):
    def run_one(name):
        log.append(name)
        if name in names:
            raise ValueError(name)

    return run_one


@pytest.mark.parametrize("text", ["", "a", "a b c d", "a b>a c>b d>c", "a b c>ab d>a e>cd f"])
def test_all_run_once_and_after_those_they_need(run, text):
    plan, log = schedule(text), []
    assert run(plan, failing(log=log)) == Outcome()
    assert sorted(log) == sorted(plan.pipelines)
    assert all(log.index(need) < log.index(name) for name in log for need in plan.needs[name])


@pytest.mark.parametrize("workers", [0, 1])
def test_one_worker_keeps_the_order_of_the_file(workers):
    plan, log = schedule("d c b>d a"), []
    if workers:
        plan.run_side_by_side(failing(log=log), workers, lambda: False, bool)
    else:
        plan.run_here(failing(log=log))
    assert log == ["d", "c", "b", "a"]


def test_independent_pipelines_run_at_the_same_time():
    meeting = threading.Barrier(3, timeout=LONG)
    outcome = schedule("a b c").run_side_by_side(lambda _: meeting.wait(), 3, lambda: False, bool)
    assert outcome == Outcome()


def test_no_more_run_at_a_time_than_there_are_workers():
    lock, running, most = threading.Lock(), set(), []
    meeting = threading.Barrier(2, timeout=LONG)

    def run_one(name):
        with lock:
            running.add(name)
            most.append(len(running))
        meeting.wait()
        with lock:
            running.remove(name)

    assert schedule("a b c d").run_side_by_side(run_one, 2, lambda: False, bool) == Outcome()
    assert max(most) == 2


def test_a_pipeline_starts_as_soon_as_those_it_needs_are_done():
    """Here ``c`` needs ``b`` only: it runs while ``a`` does."""
    done = threading.Event()

    def run_one(name):
        if name == "a":
            assert done.wait(LONG)
        if name == "c":
            done.set()

    assert schedule("a b c>b").run_side_by_side(run_one, 2, lambda: False, bool) == Outcome()


def test_a_failure_ends_the_schedule(run):
    log = []
    outcome = run(schedule("a b>a c>b d>c"), failing("b", log=log))
    assert log == ["a", "b"]
    assert outcome.skipped == ["c", "d"]
    assert {name: str(error) for name, error in outcome.errors.items()} == {"b": "b"}


def test_what_runs_beside_a_failure_goes_on_to_its_end():
    failed, log = threading.Event(), []

    def run_one(name):
        if name == "a":
            failed.set()
            raise ValueError
        assert failed.wait(LONG)
        log.append(name)

    outcome = schedule("a b c").run_side_by_side(run_one, 2, lambda: False, bool)
    assert (log, outcome.skipped, list(outcome.errors)) == (["b"], ["c"], ["a"])


def test_with_keep_going_only_what_needs_a_failed_one_is_skipped(run):
    log = []
    plan = schedule("a b c>a d>c e>b f", keep_going=True)
    outcome = run(plan, failing("a", "e", log=log))
    assert sorted(log) == ["a", "b", "e", "f"]
    assert sorted(outcome.skipped) == ["c", "d"]
    assert sorted(outcome.errors) == ["a", "e"]


def test_after_a_stop_nothing_new_starts():
    stop, log = threading.Event(), []

    def run_one(name):
        log.append(name)
        stop.set()

    outcome = schedule("a b c>a d").run_side_by_side(run_one, 1, stop.is_set, bool)
    assert (log, sorted(outcome.skipped), outcome.errors) == (["a"], ["b", "c", "d"], {})


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_whatever_ends_a_thread_is_reported(error):
    def run_one(_):
        raise error

    outcome = schedule("a").run_side_by_side(run_one, 1, lambda: False, bool)
    assert outcome.errors == {"a": error}


def test_an_interruption_here_ends_at_once():
    log = []

    def run_one(name):
        log.append(name)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        schedule("a b", keep_going=True).run_here(run_one)
    assert log == ["a"]


@pytest.mark.parametrize("keep_going", [True, False])
def test_what_is_lost(keep_going):
    outcome = Outcome({"a": ValueError()}, ["b"])
    for count in range(3):
        for needs in combinations("abc", count):
            lost = not keep_going or bool({"a", "b"} & set(needs))
            assert outcome.must_skip(frozenset(needs), keep_going=keep_going) is lost
    assert not Outcome().must_skip(frozenset("a"), keep_going=keep_going)
