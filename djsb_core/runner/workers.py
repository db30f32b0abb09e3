"""Execute jobs: in worker processes that live from job to job, or in this process."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Protocol

from djsb_core.runner.child import Child, EndedError
from djsb_core.runner.exchange import Exchange, Hearing, JobTimeoutError, RemoteError

if TYPE_CHECKING:
    from djsb_core.runner.order import JobOrder

__all__ = ["Executor", "Hearing", "Here", "JobTimeoutError", "RemoteError", "WorkerProcess"]

GRACE_SECONDS = 10.0
"""How long a job may take to end after it was asked to."""


class Executor(Protocol):
    """Runs jobs, one at a time."""

    def execute(self, order: JobOrder, hear: Hearing, timeout: float | None) -> dict[str, Any]:
        """Run a job and return its outputs by name.

        :param timeout: seconds; ``None`` for as long as it takes
        :raises KeyboardInterrupt: if the job, or this executor, was interrupted or killed
        :raises DjsbError: if the job fails
        """

    def interrupt(self) -> None:
        """Ask the running job to end; no other one begins.

        From any thread, and from a signal handler; asking again changes nothing.
        """

    def kill(self) -> None:
        """Kill the running job with all its processes; no other one begins."""

    def close(self) -> None:
        """End the executor's process, if it has one."""


class Here:
    """Runs jobs in this process and in the thread that asks for it; there is no timeout.

    Only a job in the main thread can be interrupted.
    """

    def __init__(self) -> None:
        """Start with no job."""
        self._stopped = False
        self._running = False
        self._thread = 0

    def execute(self, order: JobOrder, hear: Hearing, timeout: float | None) -> dict[str, Any]:  # noqa: ARG002 (the caller has checked that there is none)
        """Run a job; see :class:`Executor`. Errors of the component come as they are."""
        from djsb_core.runner.job_log import job_log
        from djsb_core.runner.order import perform
        from djsb_core.store.watcher import SandboxWatcher

        watcher = SandboxWatcher(order.folder, hear.points, hear.artifact)
        self._thread = threading.get_ident()
        with job_log(order.log):
            self._running = True
            try:
                self._raise_if_stopped()  # meanwhile
                outputs = perform(order, watcher)
            except (Exception, SystemExit) as error:
                self._raise_if_stopped()
                if isinstance(error, SystemExit):
                    raise RemoteError(f"SystemExit: {error}") from error
                raise
            finally:
                self._running = False
            self._raise_if_stopped()  # a trainer that stops early has not finished
            return outputs

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running job."""
        self._stopped = True
        if not self._running:
            return
        if threading.get_ident() == self._thread:  # in a signal handler
            raise KeyboardInterrupt
        if self._thread == threading.main_thread().ident:
            signal.pthread_kill(self._thread, signal.SIGINT)

    def _raise_if_stopped(self) -> None:
        if self._stopped:
            raise KeyboardInterrupt

    def kill(self) -> None:
        """Interrupt the job again: nothing else of this process may be killed."""
        self.interrupt()

    def close(self) -> None:
        """Do nothing: there is no process."""


class WorkerProcess:
    """Runs jobs in a process that is started for the first one, and anew when it has ended.

    No locks: a signal handler may come in between, and must never wait for what it interrupts.
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        """Start no process yet.

        :param grace: seconds that a job may take to end when its timeout is over
        """
        self._grace = grace
        self._stopped = False
        self._child: Child | None = None
        self._exchange: Exchange | None = None

    def execute(self, order: JobOrder, hear: Hearing, timeout: float | None) -> dict[str, Any]:
        """Run a job; see :class:`Executor`.

        :raises ComponentError: if it fails with an error that is for the user
        :raises RemoteError: if it fails otherwise, or its process dies
        :raises JobTimeoutError: if it takes longer than ``timeout``
        """
        child = self._child
        used = child is not None and child.is_alive()
        if child is None or not used:
            self._discard()
            child = self._child = Child()
        exchange = self._exchange = Exchange(child, hear, timeout, self._grace)
        try:
            if self._stopped:  # asked for only now: who stops us looks at `_exchange` afterwards
                raise KeyboardInterrupt
            return exchange.run(order, greet=not used)
        except EndedError:
            exchange.raise_if_stopped()
            if exchange.started or not used:
                raise RemoteError(exchange.died()) from None
        finally:
            self._exchange = None
            if not exchange.reusable:
                self._discard()
        return self.execute(order, hear, timeout)  # it died while it was idle

    def interrupt(self) -> None:
        """Send SIGINT to the job and its processes, once."""
        self._stopped = True
        exchange = self._exchange
        if exchange is not None:
            exchange.interrupt()

    def kill(self) -> None:
        """Send SIGKILL to the job and its processes, in whatever session they are."""
        self._stopped = True
        exchange, child = self._exchange, self._child
        if exchange is not None:
            exchange.asked = True
        if child is not None:
            child.kill()

    def close(self) -> None:
        """End the process: orderly when it is idle."""
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def _discard(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.discard()
