"""Listeners and signal handlers of sessions, in the ways that could make them wait forever."""

import os
import signal
import threading

import pytest

import djsb
from djsb.runner.session import Session

PATIENCE = 60
EXPERIMENT = """
work_dir: w
execution_job_configs:
- {hook: Echo, meta_name: first, extra_configs: {text: a}}
"""


@pytest.fixture
def experiment(lab):
    lab.write("x.yaml", EXPERIMENT)
    return lab


def in_time(work):
    """Run a function in a thread; fail if it does not end."""
    results = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it waits forever"
    return results[0]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("moment", ["run_started", "job_started", "job_finished", "run_finished"])
@pytest.mark.parametrize("act", ["close", "run"])
def test_a_callback_cannot_make_its_own_run_wait(experiment, workers, moment, act):
    refused = []

    def on_progress(event):
        if event.kind != moment:
            return
        try:
            session.close() if act == "close" else djsb.run("x.yaml", session=session)
        except ValueError as error:
            refused.append(str(error))

    with Session(workers) as session:
        run = in_time(lambda: djsb.run("x.yaml", session=session, on_progress=on_progress))
    assert run.status == "finished"
    (text,) = refused
    assert "a listener cannot" in text
    assert "the session that calls it" in text


@pytest.mark.timeout(120)
def test_a_callback_may_wait_for_another_run_of_the_session(experiment):
    other_is_done = threading.Event()
    seen = []

    def wait(event):
        if event.kind == "run_started":
            seen.append(other_is_done.wait(PATIENCE))

    def other():
        djsb.run("x.yaml", session=session, cache=False)
        other_is_done.set()

    with Session(2) as session:
        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        in_time(lambda: djsb.run("x.yaml", session=session, cache=False, on_progress=wait))
        thread.join(PATIENCE)
    assert seen == [True]


@pytest.mark.timeout(120)
def test_a_callback_may_run_another_session(experiment):
    inner = []

    def on_progress(event):
        if event.kind == "job_started":
            inner.append(djsb.run("x.yaml", cache=False).status)

    assert in_time(lambda: djsb.run("x.yaml", cache=False, on_progress=on_progress)).status
    assert inner == ["finished"]


def test_an_interrupt_at_the_start_of_a_run_is_recorded(experiment):
    def on_progress(event):
        if event.kind == "run_started":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        djsb.run("x.yaml", on_progress=on_progress)
    assert djsb.open_run("last", "w").status == "interrupted"


# -- signals ---------------------------------------------------------------------------------------


@pytest.fixture
def handlers():
    """Restore the handlers of this process."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("order", ["aabb", "abab", "abba"])
@pytest.mark.parametrize("take", [True, None])
def test_sessions_that_overlap_leave_the_handler_as_it_was(handlers, order, take):
    sessions = {name: Session(0, take_signals=take) for name in "ab"}
    entered = set()
    for name in order:
        if name in entered:
            sessions[name].close()
        else:
            sessions[name].__enter__()
            entered.add(name)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_handler_that_is_set_meanwhile_stays(handlers):
    def own(*_):
        pass

    with Session(0, take_signals=True):
        signal.signal(signal.SIGINT, own)
    assert signal.getsignal(signal.SIGINT) is own
