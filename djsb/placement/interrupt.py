"""What Ctrl-C does to runs: the first ends the running jobs cleanly, the second kills them.

A third one ends the process itself.
"""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

log = logging.getLogger(__name__)

SIGNALS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
"""What is listened to, with what Python does by default."""


class Stoppable(Protocol):
    """What runs a job that can be ended."""

    def interrupt(self) -> None:
        """Ask the running job to end."""

    def kill(self) -> None:
        """Kill the running job with all its processes."""


class Interrupt:
    """Whether one run is to end, and the executors that it uses at the moment.

    No locks: a signal handler may come in between, and must never wait for what it interrupts.
    """

    def __init__(self) -> None:
        """Begin with a run that nobody wants to end."""
        self._asked = threading.Event()
        self.killed = False
        """Whether its jobs were killed."""
        self._executors: set[Stoppable] = set()

    @property
    def asked(self) -> bool:
        """Whether the run is to end."""
        return self._asked.is_set()

    def raise_if_asked(self) -> None:
        """End what would otherwise keep waiting, or start.

        :raises KeyboardInterrupt: if the run is to end
        """
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def reaching(self, executor: Stoppable) -> Iterator[None]:
        """Let an interrupt reach an executor while the block uses it.

        :raises KeyboardInterrupt: if the run is to end
        """
        self._executors.add(executor)
        try:
            self.raise_if_asked()  # asked for before the executor could be reached
            yield
        finally:
            self._executors.discard(executor)

    def ask(self) -> None:
        """End the run: nothing more of it starts."""
        self._asked.set()

    @property
    def executors(self) -> tuple[Stoppable, ...]:
        """Those that the run uses now."""
        return tuple(self._executors)


def press(runs: Sequence[Interrupt]) -> None:
    """Take one request to end some runs: the first asks their jobs to end, the next kills them.

    :raises KeyboardInterrupt: in a signal handler, if one of their jobs runs in this very thread
    """
    asked = all(run.asked for run in runs)
    for run in runs:
        run.killed = run.killed or asked
        run.ask()
    if not asked:
        log.warning("ending the running jobs; press Ctrl-C again to kill them")
    executors = [executor for run in runs for executor in run.executors]
    _each([executor.kill if asked else executor.interrupt for executor in executors])


def _each(actions: Sequence[Callable[[], None]]) -> None:
    """Act on all, though the action on a job of this thread raises."""
    raised: KeyboardInterrupt | None = None
    for action in actions:
        try:
            action()
        except KeyboardInterrupt as error:
            raised = error
    if raised is not None:
        raise raised


class Signals:
    """Takes SIGINT and SIGTERM in the main thread, and gives them back."""

    def __init__(
        self, runs: Callable[[], Sequence[Interrupt]], *, take: bool | None = None
    ) -> None:
        """Take no signal yet.

        :param runs: returns the runs that a signal ends
        :param take: ``None``: only signals for which the process has no handler of its own;
            ``False``: none
        """
        self._runs = runs
        self._take = take
        self.closing = False
        """Whether all runs have ended, and their processes are about to."""
        self._late = False
        """Whether there was a signal since then."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals while the block runs, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS if self._takes(number)}
        for number in before:
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _takes(self, number: signal.Signals) -> bool:
        handler = signal.getsignal(number)
        if self._take is None:
            return handler == SIGNALS[number]
        # One that was not set by Python could not be restored.
        return self._take and handler is not None and handler != self._on_signal

    def _on_signal(self, number: int, _: object) -> None:
        runs = self._runs()
        over = self._late if self.closing else runs and all(run.killed for run in runs)
        self._late = self.closing
        if over:
            # The run itself may be reading or copying a file of many gigabytes: nothing else ends
            # that, and what is finished is kept in any case.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif runs:
            press(runs)
        elif not self.closing:
            raise KeyboardInterrupt
