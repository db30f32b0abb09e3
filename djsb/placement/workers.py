"""Execute jobs: in worker processes that are reused from job to job, or in this process."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from djsb.doctor.devices import VISIBLE
from djsb.placement.exchange import Exchange
from djsb.placement.worker_handle import WorkerEndedError, WorkerHandle
from djsb_core.errors import ComponentError, RemoteError
from djsb_core.faults import describe_error, is_interrupt
from djsb_core.interfaces.placement import ANY_PROCESS, Executor, NullSink
from djsb_core.job.imported import ImportedCode
from djsb_core.job.log_client import log_client

if TYPE_CHECKING:
    from collections.abc import Collection

    from djsb_core.interfaces.placement import Cancellation, ProcessSpec, ReportSink
    from djsb_core.job.reports import Artifact, Point
    from djsb_core.job.request import JobRequest

GRACE_SECONDS = 10.0
"""How long a job may take to end after its timeout or its cancellation."""

Interpreter: TypeAlias = tuple[Path, Path]
"""A Python, and the folder from which it imports djsb and plugins."""


class ProcessKey(NamedTuple):
    """What jobs must have in common to share a process."""

    interpreter: Interpreter | None
    variables: frozenset[tuple[str, str]]
    """Fixed for the process: libraries read them on import."""

    def may_use(self, gpus: Collection[str]) -> bool:
        """Return whether its processes may hold memory of one of these GPUs."""
        visible = dict(self.variables).get(VISIBLE)
        return visible is None or not set(gpus).isdisjoint(visible.split(","))


class InProcessExecutor(Executor):
    """Runs jobs in this process and in the calling thread; there is no timeout.

    Only a job in the main thread can be interrupted, and a job is cancelled when it reports
    something. A job that needs another interpreter, other environment variables, or its own
    process still gets a separate one.
    """

    def __init__(self) -> None:
        """Start with no job."""
        self._stopped = False
        self._running = False
        self._thread = 0
        self._worker = WorkerProcess()
        self._imported = ImportedCode(time.time_ns())

    def execute(
        self,
        request: JobRequest,
        sink: ReportSink,
        timeout: float | None = None,
        process: ProcessSpec = ANY_PROCESS,
        cancellation: Cancellation | None = None,
    ) -> dict[str, Any]:
        """Run a job; see :class:`Executor`. Errors of the component are raised unchanged."""
        if process != ANY_PROCESS or request.variables:
            return self._worker.execute(request, sink, timeout, process, cancellation)
        from djsb_core.job.job_log import job_log
        from djsb_core.job.perform import perform
        from djsb_core.job.surroundings import restored_surroundings, seed_of
        from djsb_core.job.watcher import JobWatcher

        if cancellation is not None:
            sink = CancellingSink(sink, cancellation)
        mask = request.masker.text
        watcher = JobWatcher(request.folder, sink.points, sink.artifact, mask)
        self._thread = threading.get_ident()
        with job_log(request.log, request.masker.secrets):
            self._running = True
            try:
                self._raise_if_stopped(cancellation)  # stopped while it was prepared
                self._refuse_changed()
                self._imported.ignore(tuple(sys.modules))
                with restored_surroundings(seed_of(request)):
                    outputs = perform(request, watcher)
            except BaseException as error:
                self._raise_if_stopped(cancellation)
                if isinstance(error, Exception) or is_interrupt(error):
                    raise
                raise RemoteError(describe_error(error)) from error
            finally:
                self._running = False
                self._imported.record(time.time_ns())
            self._raise_if_stopped(cancellation)  # a trainer that stops early has not finished
            return outputs

    def _refuse_changed(self) -> None:
        """Reject a job if code that an earlier one imported here has changed.

        :raises ComponentError: that names the file
        """
        file = self._imported.changed(surely=True)
        if file is not None:
            raise ComponentError(
                f"{file} has changed since this process imported it; "
                "start a new process (in a notebook: restart the kernel)"
            )

    def inspect(self, request: JobRequest, process: ProcessSpec, *, whole: bool) -> list[str]:
        """Check a job's component in the process where it will run; see :class:`Executor`."""
        return self._worker.inspect(request, process, whole=whole)

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt in the running job."""
        self._stopped = True
        self._worker.interrupt()
        if not self._running:
            return
        if threading.get_ident() == self._thread:  # in a signal handler
            raise KeyboardInterrupt
        if self._thread == threading.main_thread().ident:
            signal.pthread_kill(self._thread, signal.SIGINT)

    def _raise_if_stopped(self, cancellation: Cancellation | None) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        if cancellation is not None:
            cancellation.raise_if_cancelled()

    def kill(self) -> None:
        """Interrupt the job again: this process must not be killed."""
        self._worker.kill()
        self.interrupt()

    def reset(self) -> None:
        """Prepare for another job."""
        self._stopped = False
        self._worker.reset()

    def is_warm(self, process: ProcessSpec) -> bool:
        """Return whether such a job needs no new process."""
        return process == ANY_PROCESS or self._worker.is_warm(process)

    def release_gpus(self, gpus: Collection[str]) -> None:
        """End idle worker processes that may hold memory of these GPUs."""
        self._worker.release_gpus(gpus)

    def close(self) -> None:
        """End the worker process, if a job needed one."""
        self._worker.close()


class CancellingSink:
    """Ends an in-process job when it reports something after its cancellation."""

    def __init__(self, sink: ReportSink, cancellation: Cancellation) -> None:
        """Forward reports to ``sink``."""
        self._sink = sink
        self._cancellation = cancellation

    def points(self, points: list[Point]) -> None:
        """Forward the values."""
        self._sink.points(points)
        self._end_if_cancelled()

    def artifact(self, artifact: Artifact) -> None:
        """Forward the file."""
        self._sink.artifact(artifact)
        self._end_if_cancelled()

    def silent(self, seconds: float) -> None:
        """Forward the warning."""
        self._sink.silent(seconds)

    def _end_if_cancelled(self) -> None:
        if self._cancellation.reason is not None:
            raise KeyboardInterrupt  # as in a worker process: no component swallows it


class WorkerProcess(Executor):
    """Runs jobs in a process that is started for the first one, and restarted when it has ended.

    Each interpreter, and each set of environment variables, has its own process, which idles while
    another one works, so that its imports can be reused. No locks: a signal handler may run at any
    point and must not wait for the code it interrupts.
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        """Start no process yet.

        :param grace: seconds that a job may take to end after its timeout
        """
        self._grace = grace
        self._stopped = False
        self._idle: dict[ProcessKey, WorkerHandle] = {}
        self._working: WorkerHandle | None = None
        self._exchange: Exchange | None = None

    def execute(
        self,
        request: JobRequest,
        sink: ReportSink,
        timeout: float | None = None,
        process: ProcessSpec = ANY_PROCESS,
        cancellation: Cancellation | None = None,
    ) -> dict[str, Any]:
        """Run a job; see :class:`Executor`.

        :raises ComponentError: if it fails with an error meant for the user
        :raises RemoteError: if it fails otherwise, or its process dies
        :raises JobTimeoutError: if it takes longer than ``timeout``
        """
        key, message = _key(process, request), {"request": request.to_json()}
        while True:
            handle, new = self._acquire(key, process)
            handle.has_worked = True
            exchange = Exchange(handle, sink, timeout, self._grace, cancellation)
            request_message = {**message, **handle.surroundings(request.lookup[0])}
            try:
                outputs = self._run(exchange, request_message, key, new=new, keep=not process.alone)
            except BaseException:
                with suppress(OSError):  # its process may have been killed before it waited
                    log_client().drain(request.log)
                raise
            if outputs is not None:
                return outputs

    def inspect(self, request: JobRequest, process: ProcessSpec, *, whole: bool) -> list[str]:
        """Check a job's component in its process; see :class:`Executor`."""
        key, depth = _key(process, request), "component" if whole else "code"
        message = {"request": request.to_json(), "inspect": depth}
        while True:
            handle, new = self._acquire(key, process)
            exchange = Exchange(handle, NullSink(), None, self._grace)
            request_message = {**message, **handle.surroundings(request.lookup[0])}
            outputs = self._run(exchange, request_message, key, new=new, keep=True)
            if outputs is not None:
                problems: list[str] = outputs["problems"]
                return problems

    def _run(
        self,
        exchange: Exchange,
        message: dict[str, Any],
        key: ProcessKey,
        *,
        new: bool,
        keep: bool,
    ) -> dict[str, Any] | None:
        """Return the process's reply; ``None`` if it died while it was idle."""
        self._exchange = exchange
        try:
            if self._stopped:  # checked after setting `_exchange`, which `interrupt` reads
                raise KeyboardInterrupt
            exchange.raise_if_stopped()
            return exchange.run(message, new=new)
        except WorkerEndedError:
            exchange.raise_if_stopped()
            if exchange.started or new:
                raise RemoteError(exchange.describe_death()) from None
            return None
        finally:
            self._exchange = None
            self._release(key, keep=exchange.reusable and keep)

    def _acquire(self, key: ProcessKey, process: ProcessSpec) -> tuple[WorkerHandle, bool]:
        """Take an idle process with this key, or start one; return also whether it is new."""
        idle = self._idle.pop(key, None)
        visible = dict(key.variables).get(VISIBLE)
        if visible:
            self.release_gpus(visible.split(","))
        if idle is not None:
            fits = not (process.alone and idle.has_worked)
            if fits and idle.is_alive() and idle.is_current():
                self._working = idle
                return idle, False
            if fits or visible:  # unusable, or it may hold memory of the job's GPUs
                idle.close()
            else:
                self._idle[key] = idle
        handle = self._working = WorkerHandle(process.interpreter)
        return handle, True

    def _release(self, key: ProcessKey, *, keep: bool) -> None:
        """Keep the process for another job, or end it."""
        handle, self._working = self._working, None
        if handle is None:
            return
        if keep and key not in self._idle:
            self._idle[key] = handle
        else:
            handle.discard()

    def interrupt(self) -> None:
        """Send SIGINT to the job and its processes, once."""
        self._stopped = True
        exchange = self._exchange
        if exchange is not None:
            exchange.interrupt()

    def kill(self) -> None:
        """Send SIGKILL to the job and its processes, in any session."""
        self._stopped = True
        exchange, handle = self._exchange, self._working
        if exchange is not None:
            exchange.interrupted = True
        if handle is not None:
            handle.kill()

    def reset(self) -> None:
        """Prepare for another job: an interrupt ends the jobs of one run only."""
        self._stopped = False

    def is_warm(self, process: ProcessSpec) -> bool:
        """Return whether an idle process has the interpreter that such a job needs."""
        interpreter = _interpreter(process)
        return any(key.interpreter == interpreter for key in tuple(self._idle))

    def release_gpus(self, gpus: Collection[str]) -> None:
        """End the idle processes that may hold memory of these GPUs; from any thread."""
        for key in tuple(self._idle):
            if key.may_use(gpus) and (idle := self._idle.pop(key, None)) is not None:
                idle.close()

    def close(self) -> None:
        """End the processes, cleanly if they are idle."""
        handle, self._working = self._working, None
        if handle is not None:
            handle.discard()
        while self._idle:
            self._idle.popitem()[1].close()


def _key(process: ProcessSpec, request: JobRequest) -> ProcessKey:
    return ProcessKey(_interpreter(process), frozenset(request.variables.items()))


def _interpreter(process: ProcessSpec) -> Interpreter | None:
    interpreter = process.interpreter
    return None if interpreter is None else (interpreter.python, interpreter.importable)
