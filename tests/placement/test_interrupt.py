"""What Ctrl-C does: the first asks, the second kills, and each run has its own executors."""

import os
import signal
import threading

import pytest

from djsb.placement.interrupt import Interrupt, Signals, press


class Executor:
    """Notes what is asked of it; the job of ``in_this_thread`` raises, as in a signal handler."""

    def __init__(self, *, in_this_thread=False):
        self.heard = []
        self.in_this_thread = in_this_thread

    def interrupt(self):
        self.heard.append("ask")
        if self.in_this_thread:
            raise KeyboardInterrupt

    def kill(self):
        self.heard.append("kill")


@pytest.fixture
def executor():
    return Executor()


@pytest.fixture
def run(executor):
    interrupt = Interrupt()
    with interrupt.reaching(executor):
        yield interrupt


@pytest.fixture
def signals(run):
    return Signals(lambda: [run], take=True)


def test_the_first_asks_and_each_further_one_kills(run, executor, caplog):
    assert not run.asked
    press([run])
    assert run.asked
    press([run])
    press([run])
    assert executor.heard == ["ask", "kill", "kill"]
    assert caplog.text.count("press Ctrl-C again to kill them") == 1


def test_it_is_to_end_before_the_jobs_are_asked(run, executor):
    executor.interrupt = lambda: executor.heard.append(run.asked)
    press([run])
    assert executor.heard == [True]


def test_an_executor_that_is_lent_too_late_runs_nothing(run):
    press([run])
    late = Executor()
    with pytest.raises(KeyboardInterrupt), run.reaching(late):
        late.heard.append("ran")
    assert late.heard == []


def test_an_executor_that_was_given_back_is_left_alone(run):
    other = Executor()
    with run.reaching(other):
        pass
    press([run])
    assert other.heard == []


@pytest.mark.parametrize("first", [True, False])
def test_a_job_of_this_thread_keeps_no_other_from_being_asked(first):
    runs = [Interrupt(), Interrupt()]
    executors = [Executor(in_this_thread=first), Executor(in_this_thread=not first)]
    one, other = (run.reaching(executor) for run, executor in zip(runs, executors, strict=True))
    with one, other, pytest.raises(KeyboardInterrupt):
        press(runs)
    assert [one.heard for one in executors] == [["ask"], ["ask"]]
    assert all(run.asked for run in runs)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_presses_while_it_listens(signals, executor, number):
    before = signal.getsignal(number)
    with signals.listening():
        signal.raise_signal(number)
        signal.raise_signal(number)
    assert executor.heard == ["ask", "kill"]
    assert signal.getsignal(number) is before


def test_a_third_signal_ends_the_run_itself(signals, executor, monkeypatch):
    raised = []
    with signals.listening():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(signal, "raise_signal", raised.append)
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert raised == [signal.SIGTERM]
    assert executor.heard[:2] == ["ask", "kill"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_runs_is_an_interrupt_like_any_other(number):
    with Signals(list, take=True).listening(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_while_the_processes_end_one_signal_is_not_enough(monkeypatch):
    signals, raised = Signals(list, take=True), []
    signals.closing = True
    with signals.listening():
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(signal, "raise_signal", raised.append)
        os.kill(os.getpid(), signal.SIGINT)
    assert raised == [signal.SIGINT]


def test_handlers_come_back_after_an_error(signals):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ValueError, match="x"), signals.listening():
        raise ValueError("x")
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("take", [None, False])
def test_handlers_of_the_process_itself_stay(run, executor, take):
    mine = []
    before = signal.signal(signal.SIGTERM, lambda *_: mine.append("mine"))
    try:
        with Signals(lambda: [run], take=take).listening():
            signal.raise_signal(signal.SIGTERM)
            taken = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (mine, executor.heard) == (["mine"], [])
    assert taken is (take is None)


def test_a_block_inside_another_changes_nothing(signals):
    with signals.listening():
        outer = signal.getsignal(signal.SIGINT)
        with signals.listening():
            assert signal.getsignal(signal.SIGINT) == outer
        assert signal.getsignal(signal.SIGINT) == outer
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread_it_does_not_listen(signals):
    before, entered = signal.getsignal(signal.SIGINT), []

    def listen():
        with signals.listening():
            entered.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert entered == [True]
