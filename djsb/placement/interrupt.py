"""Handle Ctrl-C: the first press ends the running jobs cleanly, the second kills them.

The third ends the process itself.
"""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

log = logging.getLogger(__name__)

SIGNALS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
"""The handled signals, with Python's default handlers."""


class Stoppable(Protocol):
    """An executor whose job can be ended."""

    def interrupt(self) -> None:
        """Interrupt the running job."""

    def kill(self) -> None:
        """Kill the running job with all its processes."""


class Interrupt:
    """Whether one run is to end, and the executors that it currently uses.

    No locks: a signal handler may run at any point and must not wait for the code it interrupts.
    """

    def __init__(self) -> None:
        """Start without a request to end the run."""
        self._asked = threading.Event()
        self.killed = False
        """Whether its jobs were killed."""
        self._executors: set[Stoppable] = set()

    @property
    def asked(self) -> bool:
        """Whether the run is to end."""
        return self._asked.is_set()

    def raise_if_asked(self) -> None:
        """Stop code that would otherwise keep waiting, or start a job.

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
            self.raise_if_asked()  # requested before the executor was registered
            yield
        finally:
            self._executors.discard(executor)

    def ask(self) -> None:
        """Request the end of the run: no further job starts."""
        self._asked.set()

    @property
    def executors(self) -> tuple[Stoppable, ...]:
        """The executors that the run currently uses."""
        return tuple(self._executors)


def press(runs: Sequence[Interrupt]) -> None:
    """Handle one request to end runs: the first interrupts their jobs, the next kills them.

    :raises KeyboardInterrupt: in a signal handler, if one of their jobs runs in this very thread
    """
    repeated = all(run.asked for run in runs)
    for run in runs:
        run.killed = run.killed or repeated
        run.ask()
    if not repeated:
        log.warning("ending the running jobs; press Ctrl-C again to kill them")
    executors = [executor for run in runs for executor in run.executors]
    _each([executor.kill if repeated else executor.interrupt for executor in executors])


def _each(actions: Sequence[Callable[[], None]]) -> None:
    """Perform all actions, even if one on a job of this thread raises."""
    interrupt: KeyboardInterrupt | None = None
    for action in actions:
        try:
            action()
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


_Handler = Any
"""As :func:`signal.getsignal` returns it: a function, a constant, or ``None``."""


def _in_use(number: int, handler: _Handler) -> _Handler:
    """Return a handler, or what was due after it if its session no longer needs it."""
    owner = getattr(handler, "__self__", None)
    while isinstance(owner, Signals) and number not in owner._previous:  # noqa: SLF001 (its class)
        handler = owner._replaced_by[number]  # noqa: SLF001
        owner = getattr(handler, "__self__", None)
    return handler


class Signals:
    """Handles SIGINT and SIGTERM in the main thread, and restores the previous handlers."""

    def __init__(
        self, runs: Callable[[], Sequence[Interrupt]], *, take: bool | None = None
    ) -> None:
        """Install no handler yet.

        :param runs: returns the runs that a signal ends
        :param take: ``None``: only signals for which the process has no handler of its own;
            ``False``: none
        """
        self._runs = runs
        self._take = take
        self._previous: dict[int, _Handler] = {}
        """The handlers to restore, while this one is installed."""
        self._replaced_by: dict[int, _Handler] = {}
        """The handlers that were due when this one was no longer needed."""
        self.closing = False
        """Whether all runs have ended, and their processes are being ended."""
        self._gave_up = False
        """Whether the process was to end at once."""
        self._late = False
        """Whether a signal arrived while closing."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle signals while the block runs, if this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {
            number: signal.getsignal(number)
            for number in SIGNALS
            if number not in self._previous and self._takes(number)
        }
        for number, handler in handlers.items():
            self._previous[number] = handler
            signal.signal(number, self._on_signal)
        try:
            yield
        finally:
            for number in handlers:
                self._release(number)

    def _release(self, number: signal.Signals) -> None:
        """Restore the previous handler, unless another one has been installed since.

        That one may be another session's, which restores ours: see :func:`_in_use`.
        """
        previous = self._previous.pop(number)
        self._replaced_by[number] = previous
        if self._gave_up or signal.getsignal(number) == self._on_signal:
            signal.signal(number, _in_use(number, previous))

    def _takes(self, number: signal.Signals) -> bool:
        handler = signal.getsignal(number)
        if self._take is None:
            return handler == SIGNALS[number]
        # A handler that was not set from Python could not be restored.
        return self._take and handler is not None

    def _on_signal(self, number: int, _: object) -> None:
        runs = self._runs()
        give_up = self._late if self.closing else runs and all(run.killed for run in runs)
        self._late = self.closing
        if give_up:
            # The run itself may be reading or copying a file of many gigabytes: nothing else ends
            # that, and finished jobs are kept anyway.
            self._gave_up = True
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif runs:
            press(runs)
        elif not self.closing:
            raise KeyboardInterrupt
