"""Execute jobs: in worker processes that live from job to job, or in this process."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from djsb.placement.exchange import Exchange, JobTimeoutError, NullSink, RemoteError, ReportSink
from djsb.placement.worker_handle import WorkerEndedError, WorkerHandle

if TYPE_CHECKING:
    from djsb_core.interfaces.interpreter import Interpreter
    from djsb_core.job.request import JobRequest

__all__ = [
    "ANYWHERE",
    "Executor",
    "InProcessExecutor",
    "JobTimeoutError",
    "Place",
    "RemoteError",
    "ReportSink",
    "WorkerProcess",
]

Surroundings: TypeAlias = tuple[Path, Path]
"""An interpreter, and the folder of djsb and plugins that it sees."""

GRACE_SECONDS = 10.0
"""How long a job may take to end after it was asked to."""


@dataclass(frozen=True)
class Place:
    """Where a job has to run."""

    interpreter: Interpreter | None = None
    """That of an isolated environment; ``None`` for the one that runs this."""
    alone: bool = False
    """Whether it gets a process that no other job has used or will use."""


ANYWHERE = Place()


class Executor(Protocol):
    """Runs jobs, one at a time."""

    def execute(
        self, order: JobRequest, hear: ReportSink, timeout: float | None, place: Place = ANYWHERE
    ) -> dict[str, Any]:
        """Run a job and return its outputs by name.

        :param timeout: seconds; ``None`` for as long as it takes
        :raises KeyboardInterrupt: if the job, or this executor, was interrupted or killed
        :raises DjsbError: if the job fails
        """

    def inspect(self, order: JobRequest, place: Place, *, whole: bool) -> list[str]:
        """Say what would keep a job from running at its place, one sentence each; run nothing.

        :param whole: build its component and ask it; else only import the code
        :raises KeyboardInterrupt: if this executor was interrupted or killed
        :raises DjsbError: if the code cannot be imported, or its process does not start
        """

    def interrupt(self) -> None:
        """Ask the running job to end; no other one begins before :meth:`reset`.

        From any thread, and from a signal handler; asking again changes nothing.
        """

    def kill(self) -> None:
        """Kill the running job with all its processes; no other one begins before a reset."""

    def reset(self) -> None:
        """Be ready for another job after one was interrupted or killed."""

    def is_warm(self, place: Place) -> bool:
        """Tell whether a job at this place needs no new process."""

    def close(self) -> None:
        """End the executor's process, if it has one."""


class InProcessExecutor:
    """Runs jobs in this process and in the thread that asks for it; there is no timeout.

    Only a job in the main thread can be interrupted. A job that needs another interpreter, or a
    process of its own, gets one all the same.
    """

    def __init__(self) -> None:
        """Start with no job."""
        self._stopped = False
        self._running = False
        self._thread = 0
        self._outside = WorkerProcess()

    def execute(
        self, order: JobRequest, hear: ReportSink, timeout: float | None, place: Place = ANYWHERE
    ) -> dict[str, Any]:
        """Run a job; see :class:`Executor`. Errors of the component come as they are."""
        if place != ANYWHERE:
            return self._outside.execute(order, hear, timeout, place)
        from djsb_core.job.job_log import job_log
        from djsb_core.job.request import perform
        from djsb_core.job.watcher import JobWatcher

        watcher = JobWatcher(order.folder, hear.points, hear.artifact)
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

    def inspect(self, order: JobRequest, place: Place, *, whole: bool) -> list[str]:
        """Ask a job's component in the process where it will run; see :class:`Executor`."""
        return self._outside.inspect(order, place, whole=whole)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running job."""
        self._stopped = True
        self._outside.interrupt()
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
        self._outside.kill()
        self.interrupt()

    def reset(self) -> None:
        """Be ready for another job."""
        self._stopped = False
        self._outside.reset()

    def is_warm(self, place: Place) -> bool:
        """Tell whether a job at this place needs no new process."""
        return place == ANYWHERE or self._outside.is_warm(place)

    def close(self) -> None:
        """End the process outside, if a job needed one."""
        self._outside.close()


class WorkerProcess:
    """Runs jobs in a process that is started for the first one, and anew when it has ended.

    Each interpreter has a process of its own, which waits while another one works: what it has
    imported is there for the next job. No locks: a signal handler may come in between, and must
    never wait for what it interrupts.
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        """Start no process yet.

        :param grace: seconds that a job may take to end when its timeout is over
        """
        self._grace = grace
        self._stopped = False
        self._idle: dict[Surroundings | None, WorkerHandle] = {}
        self._child: WorkerHandle | None = None
        """The one that works."""
        self._exchange: Exchange | None = None

    def execute(
        self, order: JobRequest, hear: ReportSink, timeout: float | None, place: Place = ANYWHERE
    ) -> dict[str, Any]:
        """Run a job; see :class:`Executor`.

        :raises ComponentError: if it fails with an error that is for the user
        :raises RemoteError: if it fails otherwise, or its process dies
        :raises JobTimeoutError: if it takes longer than ``timeout``
        """
        return self._talk({"order": order.to_json()}, hear, timeout, place)

    def inspect(self, order: JobRequest, place: Place, *, whole: bool) -> list[str]:
        """Ask a job's component in its process; see :class:`Executor`."""
        message = {"order": order.to_json(), "inspect": "component" if whole else "code"}
        problems: list[str] = self._talk(message, NullSink(), None, place)["problems"]
        return problems

    def _talk(
        self, message: dict[str, Any], hear: ReportSink, timeout: float | None, place: Place
    ) -> dict[str, Any]:
        child, new = self._take(place)
        inspects = "inspect" in message
        child.has_worked |= not inspects
        exchange = self._exchange = Exchange(child, hear, timeout, self._grace)
        try:
            if self._stopped:  # asked for only now: who stops us looks at `_exchange` afterwards
                raise KeyboardInterrupt
            return exchange.run(message, greet=new)
        except WorkerEndedError:
            exchange.raise_if_stopped()
            if exchange.started or new:
                raise RemoteError(exchange.died()) from None
        finally:
            self._exchange = None
            self._leave(place, keep=exchange.reusable and (inspects or not place.alone))
        return self._talk(message, hear, timeout, place)  # it died while it was idle

    def _take(self, place: Place) -> tuple[WorkerHandle, bool]:
        """Take a process of the place's interpreter, and say whether it is a new one."""
        if self.is_warm(place):
            idle = self._idle.pop(_name(place))
            if idle.is_alive():
                self._child = idle
                return idle, False
            idle.discard()
        child = self._child = WorkerHandle(place.interpreter)
        return child, True

    def _leave(self, place: Place, *, keep: bool) -> None:
        """Let the process wait for another job, or end it."""
        child, self._child = self._child, None
        if child is None:
            return
        if keep and _name(place) not in self._idle:
            self._idle[_name(place)] = child
        else:
            child.discard()

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

    def reset(self) -> None:
        """Be ready for another job: an interrupt ends the jobs of one run only."""
        self._stopped = False

    def is_warm(self, place: Place) -> bool:
        """Tell whether a process for this place waits, fit for the job."""
        idle = self._idle.get(_name(place))
        return idle is not None and not (place.alone and idle.has_worked)

    def close(self) -> None:
        """End the processes: orderly when they are idle."""
        child, self._child = self._child, None
        if child is not None:
            child.discard()
        while self._idle:
            self._idle.popitem()[1].close()


def _name(place: Place) -> Surroundings | None:
    """Return what two places have in common that can share a process."""
    found = place.interpreter
    return None if found is None else (found.python, found.importable)
