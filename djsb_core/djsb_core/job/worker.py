"""Run jobs in a separate process: ``python -m djsb_core.job.worker EVENTS LOGS [PYTHONPATH]``.

The descriptor ``LOGS`` is a socket of the process that writes logs. Requests arrive on stdin and
events are written to the descriptor ``EVENTS``: ``hello`` once; for each request ``started``, any
number of ``points``, ``artifact`` and ``alive``, and finally ``done`` or ``failed``.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import traceback
from contextlib import contextmanager
from io import TextIOWrapper
from queue import Empty, SimpleQueue
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any

from djsb_core import __version__
from djsb_core.errors import ComponentError, DjsbError
from djsb_core.faults import is_interrupt
from djsb_core.job.log_client import use_connection
from djsb_core.job.process_tree import kill_tree
from djsb_core.job.protocol import CHUNK, TOKEN, LineSplitter, decode, encode, write_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb_core.job.imported import ImportedCode
    from djsb_core.job.reports import Artifact, Point
    from djsb_core.job.request import JobRequest

BATCH_SECONDS = 0.02
"""How long points are batched, so that thousands per second cost few system calls."""

HEARTBEAT_SECONDS = 5.0
"""Interval of ``alive`` events while a job reports nothing."""

AGAIN_SECONDS = 0.1
"""Delay before a job whose code has dropped an interrupt is interrupted again."""

BACKLOG = 10_000
"""Number of unsent reports at which the job itself has to wait."""

STDIN, STDERR = 0, 2


def main() -> None:
    """Serve requests until djsb closes the connection."""
    events, logs, *pythonpath = sys.argv[1:]
    _restore_pythonpath(pythonpath)
    stdin = _take_stdin()
    os.set_inheritable(int(events), False)  # noqa: FBT003 (it takes no keyword)
    use_connection(int(logs))
    if isinstance(sys.stdout, TextIOWrapper):  # the last lines before a crash reach the log
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    faulthandler.enable()
    outbox = Outbox(int(events))
    outbox.put(encode({"event": "hello", "version": __version__, "pid": os.getpid()}))
    _silence(STDERR)
    worker = Worker(outbox)
    signal.signal(signal.SIGINT, worker.on_interrupt)
    sys.unraisablehook = worker.on_unraisable
    messages: SimpleQueue[dict[str, Any]] = SimpleQueue()
    Thread(target=_read_messages, args=(stdin, messages), daemon=True).start()
    while "request" in (message := messages.get()):
        worker.work(message)


class Worker:
    """Runs jobs one at a time in the main thread, as signals and many libraries require."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._running = False
        self._interruptible = False
        self._folder = os.open(".", os.O_RDONLY)
        self._started = time.time_ns()
        self._imported: ImportedCode | None = None

    def on_interrupt(self, *_: object) -> None:
        """Interrupt the running job once; do nothing between two jobs."""
        if self._interruptible:
            self._interruptible = False
            raise KeyboardInterrupt

    def on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Interrupt the job again if Python has dropped the interrupt, as it does in destructors.

        Destructors of torch's data loaders wait for processes, and often swallow interrupts.
        """
        sys.__unraisablehook__(unraisable)
        if self._running and issubclass(unraisable.exc_type, KeyboardInterrupt):
            self._interruptible = True
            Timer(AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGINT)).start()

    def work(self, message: dict[str, Any]) -> None:
        """Run (or only inspect) one job and report its outcome.

        If code that an earlier job imported has changed, only say so: another process must run it.
        """
        if self._imported is not None and self._imported.changed():
            self._outbox.put(encode({"event": "outdated"}))
            return
        reports = Reports(self._outbox)
        try:
            end = self._perform(message, reports)
        except BaseException as error:  # noqa: BLE001 (SystemExit too: only the job fails)
            end = encode(_describe(error))
        reports.end(end)
        os.fchdir(self._folder)  # the next job must not depend on this one
        self._record(message)

    def _record(self, message: dict[str, Any]) -> None:
        """Remember which code is imported, after the job: nobody waits for that."""
        from djsb_core.job.imported import ImportedCode
        from djsb_core.job.perform import modules_of

        if self._imported is None:
            self._imported = ImportedCode(self._started)
        try:
            self._imported.record(time.time_ns(), modules_of(message["request"]))
        except Exception:  # noqa: BLE001 (objects that a job has put in the place of modules)
            self._imported.distrust("a module")

    def _perform(self, message: dict[str, Any], reports: Reports) -> bytes:
        from djsb_core.job.job_log import job_log
        from djsb_core.job.perform import inspect, perform
        from djsb_core.job.request import JobRequest
        from djsb_core.job.surroundings import restored_surroundings, seed_of
        from djsb_core.job.watcher import JobWatcher

        _enter(message)
        request: JobRequest = JobRequest.from_json(message["request"])
        os.environ.update(request.variables)  # no code of a component is imported yet
        mask = request.masker.text
        watcher = JobWatcher(request.folder, reports.points, reports.artifact, mask)
        with job_log(request.log, request.masker.secrets):
            with restored_surroundings(seed_of(request)), self._interrupts():
                self._outbox.put(encode({"event": "started"}))
                depth = message.get("inspect")
                outputs = inspect(request, depth) if depth else perform(request, watcher)
            try:
                return encode({"event": "done", "outputs": outputs})
            except (TypeError, ValueError, RecursionError) as error:
                raise ComponentError(f"its outputs cannot be stored as JSON: {error}") from error

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        signal.signal(signal.SIGINT, self.on_interrupt)  # an earlier job may have set its own
        self._running = self._interruptible = True
        try:
            yield
        finally:
            self._running = self._interruptible = False


class Reports:
    """Sends the reports of one job; later ones, from threads that outlive it, are dropped."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox: Outbox | None = outbox
        outbox.heartbeat = True

    def points(self, points: list[Point]) -> None:
        """Send values of metrics, batched."""
        if self._outbox is not None:
            self._outbox.put([[p.name, p.value, p.step, p.seconds] for p in points])

    def artifact(self, artifact: Artifact) -> None:
        """Send the path of a file that the job reports."""
        if self._outbox is not None:
            values = [artifact.name, artifact.kind.value, artifact.step, str(artifact.path)]
            self._outbox.put(encode({"event": "artifact", "artifact": values}))

    def end(self, event: bytes) -> None:
        """Send the outcome of the job."""
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.heartbeat = False
            outbox.put(event)


class Outbox:
    """Sends events from a separate thread, so an interrupt of the job cannot truncate one."""

    def __init__(self, descriptor: int) -> None:
        self.heartbeat = False
        """Whether to send ``alive`` when there is nothing else to send."""
        self._descriptor = descriptor
        self._process = os.getpid()
        self._waiting: SimpleQueue[bytes | list[list[Any]]] = SimpleQueue()
        Thread(target=self._send, daemon=True).start()

    def put(self, report: bytes | list[list[Any]]) -> None:
        """Send an event, or add points to the current batch; the order is preserved.

        :raises RuntimeError: if called in a process that the job has forked
        """
        if os.getpid() != self._process:
            raise RuntimeError("metrics can only be reported from the job's own process")
        while self._waiting.qsize() > BACKLOG:
            time.sleep(BATCH_SECONDS)
        self._waiting.put(report)

    def _send(self) -> None:
        try:
            while True:
                reports = [self._next()]
                if isinstance(reports[0], list):
                    time.sleep(BATCH_SECONDS)
                reports += [self._waiting.get() for _ in range(self._waiting.qsize())]
                write_all(self._descriptor, b"".join(_batches(reports)))
        except OSError:  # djsb has closed the pipe
            _end_everything()

    def _next(self) -> bytes | list[list[Any]]:
        while True:
            try:
                return self._waiting.get(timeout=HEARTBEAT_SECONDS)
            except Empty:
                if self.heartbeat:
                    return encode({"event": "alive"})


def _batches(reports: list[bytes | list[list[Any]]]) -> Iterator[bytes]:
    """Merge adjacent points into one event."""
    points: list[list[Any]] = []
    for report in reports:
        if isinstance(report, list):
            points += report
            continue
        if points:
            yield encode({"event": "points", "points": points})
            points = []
        yield report
    if points:
        yield encode({"event": "points", "points": points})


def _read_messages(descriptor: int, messages: SimpleQueue[dict[str, Any]]) -> None:
    """Forward the messages of djsb; end everything when its process is gone."""
    splitter = LineSplitter()
    while piece := os.read(descriptor, CHUNK):
        for line in splitter.split(piece):
            if (message := decode(line)) is not None:
                messages.put(message)
                if "request" not in message:
                    return  # the main thread ends the process
    _end_everything()


def _end_everything() -> None:
    kill_tree(os.getpid(), os.environ.get(TOKEN, ""))
    os.kill(os.getpid(), signal.SIGKILL)  # if it does not lead its group


def _enter(message: dict[str, Any]) -> None:
    """Apply what has changed in the environment of djsb since the previous job."""
    if "working_directory" in message:
        os.chdir(message["working_directory"])
    for name, value in message.get("changed_variables", {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _describe(error: BaseException) -> dict[str, Any]:
    try:
        message = str(error)
    except BaseException as failure:  # noqa: BLE001 (an error class of a component)
        message = f"its message cannot be shown: {type(failure).__name__}"
    return {
        "event": "failed",
        "type": type(error).__name__,
        "message": message,
        "traceback": _traceback(error),
        "known": isinstance(error, DjsbError),
        "interrupted": is_interrupt(error),
    }


def _traceback(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 (as above)
        return ""


def _restore_pythonpath(value: list[str]) -> None:
    """Restore the variable to the value that djsb had, for the job's own subprocesses."""
    os.environ.pop("PYTHONPATH", None)
    if value:
        os.environ["PYTHONPATH"] = value[0]


def _take_stdin() -> int:
    """Hide the message stream from the job and its subprocesses, which may read stdin."""
    stdin = os.dup(STDIN)
    _silence(STDIN)
    return stdin


def _silence(descriptor: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, descriptor)
    os.close(null)


if __name__ == "__main__":
    main()
