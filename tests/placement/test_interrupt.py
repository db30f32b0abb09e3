"""What Ctrl-C does: the first asks, the second kills."""

import os
import signal
import threading

import pytest

from djsb.placement.interrupt import Interrupt


@pytest.fixture
def heard():
    return []


@pytest.fixture
def interrupt(heard):
    return Interrupt(lambda: heard.append("ask"), lambda: heard.append("kill"))


def test_the_first_asks_and_each_further_one_kills(interrupt, heard, caplog):
    assert not interrupt.asked
    interrupt.press()
    assert interrupt.asked
    interrupt.press()
    interrupt.press()
    assert heard == ["ask", "kill", "kill"]
    assert caplog.text.count("press Ctrl-C again to kill them") == 1


def test_it_is_to_end_before_the_jobs_are_asked():
    found = Interrupt(lambda: seen.append(found.asked), lambda: None)
    seen = []
    found.press()
    assert seen == [True]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_presses_while_it_listens(interrupt, heard, number):
    before = signal.getsignal(number)
    with interrupt.listening():
        signal.raise_signal(number)
        signal.raise_signal(number)
    assert heard == ["ask", "kill"]
    assert signal.getsignal(number) is before


def test_a_third_signal_ends_the_run_itself(interrupt, heard, monkeypatch):
    raised = []
    with interrupt.listening():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        monkeypatch.setattr(signal, "raise_signal", raised.append)
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert raised == [signal.SIGTERM]
    assert heard[:2] == ["ask", "kill"]


def test_handlers_come_back_after_an_error(interrupt):
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ValueError, match="x"), interrupt.listening():
        raise ValueError("x")
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_another_thread_it_does_not_listen(interrupt):
    before, entered = signal.getsignal(signal.SIGINT), []

    def listen():
        with interrupt.listening():
            entered.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert entered == [True]
