"""The messages of one job between djsb and a worker process."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.placement.worker_handle import WorkerEndedError
from djsb_core import __version__
from djsb_core.errors import ComponentError, JobTimeoutError, RemoteError
from djsb_core.job.reports import Artifact, ArtifactKind, Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb.placement.worker_handle import WorkerHandle
    from djsb_core.interfaces.placement import Cancellation, ReportSink

START_SECONDS = 60.0
POLL_SECONDS = 0.2
"""How often to check deadlines and cancellation."""

SILENT_SECONDS = 60.0
"""How long a process may be unresponsive before the user is warned."""


class RemoteTraceback(Exception):  # noqa: N818 (it is shown as the cause of an error)
    """The traceback of an error in another process, as text."""

    def __str__(self) -> str:
        """Show it on lines of its own."""
        return f"\n{self.args[0]}"


class Exchange:
    """One job in a worker process: its request, its reports, its end."""

    def __init__(
        self,
        handle: WorkerHandle,
        sink: ReportSink,
        timeout: float | None,
        grace: float,
        cancellation: Cancellation | None = None,
    ) -> None:
        """Prepare to run one job.

        :param timeout: in seconds; ``None``: no limit
        :param grace: seconds that a job may take to end after its timeout or its cancellation;
            then it is killed
        """
        self._handle = handle
        self._sink = sink
        self._timeout = timeout
        self._grace = grace
        self._cancellation = cancellation
        self._times_out_at = self._killed_at = math.inf
        self._last_event = time.monotonic()
        self._silence_reported = False
        self._overdue = False
        self._ready = False
        self._signalled = False
        self.interrupted = False
        """Whether the user asked the job to end."""
        self.started = False
        self.reusable = False
        """Whether the process can run another job: nothing of this one remains in it."""

    def run(self, message: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
        """Run the requested job, and return its outputs.

        :param new: whether the process has just been started
        """
        if new:
            self._await_hello()
        self._ready = True
        self._handle.send(message)
        self._last_event = time.monotonic()
        if self._timeout is not None:
            self._times_out_at = self._last_event + self._timeout
        while True:
            self._check_deadlines()
            event = self._handle.next_event(POLL_SECONDS)
            if event is not None:
                self._last_event, self._silence_reported = time.monotonic(), False
                if (outputs := self._handle_event(event)) is not None:
                    return outputs

    def _await_hello(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while (event := self._handle.next_event(POLL_SECONDS)) is None:
            self.raise_if_stopped()
            if time.monotonic() >= deadline:
                raise RemoteError(f"the worker process was not ready within {START_SECONDS:g} s")
        if event.get("version") != __version__:
            raise RemoteError(
                f"the worker process runs djsb-core {event.get('version')}, "
                f"but this is {__version__}; install the same version there"
            )

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        if now >= self._killed_at:
            self._killed_at = math.inf
            self._handle.kill()
        elif now >= self._times_out_at:
            self._times_out_at, self._overdue = math.inf, True
            self._end(now)
        elif self._cancelled and self._killed_at == math.inf and not self._signalled:
            self._end(now)
        elif now >= self._last_event + SILENT_SECONDS and not self._silence_reported:
            self._silence_reported = True
            self._sink.silent(now - self._last_event)

    def _end(self, now: float) -> None:
        """Interrupt the job, and schedule its kill if it does not end."""
        self._killed_at = now + self._grace
        if self.started:
            self._signal()

    @property
    def _cancelled(self) -> bool:
        return self._cancellation is not None and self._cancellation.reason is not None

    def _handle_event(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Process one event; return the outputs if it is the last one. Ignore unknown events."""
        match event:
            case {"event": "started"}:
                self.started = True
                if self.interrupted or self._overdue or self._cancelled:
                    self._signal()
            case {"event": "points", "points": list(points)}:
                self._sink.points([Point(*point) for point in points])
            case {"event": "artifact", "artifact": [str(name), str(kind), step, str(path)]}:
                self._sink.artifact(Artifact(name, ArtifactKind(kind), step, Path(path)))
            case {"event": "outdated"}:  # the code that it has imported has changed
                raise WorkerEndedError
            case {"event": "done", "outputs": dict(outputs)}:
                # A trainer that stops early because of an interrupt has not finished.
                self.raise_if_stopped()
                self.reusable = True
                return outputs
            case {"event": "failed"}:
                self._fail(event)
        return None

    def _fail(self, event: Mapping[str, Any]) -> None:
        """Raise the error that the job reported."""
        self.raise_if_stopped()
        if event.get("interrupted"):
            raise KeyboardInterrupt
        self.reusable = not self._handle.has_others()
        cause = RemoteTraceback(event.get("traceback"))
        if event.get("known"):
            raise ComponentError(event.get("message")) from cause
        message = ": ".join(filter(None, (event.get("type"), event.get("message"))))
        if event.get("type") == ModuleNotFoundError.__name__:
            message += self._remedy()
        raise RemoteError(message) from cause

    def interrupt(self) -> None:
        """Interrupt the job, now or as soon as it has started."""
        self.interrupted = True
        if self.started:
            self._signal()

    def raise_if_stopped(self) -> None:
        """Raise the reason why the job was ended, if it was."""
        if self.interrupted:
            raise KeyboardInterrupt
        if self._cancellation is not None:
            self._cancellation.raise_if_cancelled()
        if self._overdue and self._timeout is not None:
            raise JobTimeoutError(self._timeout)

    def describe_death(self) -> str:
        """Describe how the process ended."""
        if self._ready:
            return f"the job's process died: {self._handle.describe_end()}"
        message = self._handle.last_error_line()
        remedy = self._remedy() if ModuleNotFoundError.__name__ in message else ""
        reason = message or self._handle.describe_end()
        return f"the worker process did not start: {reason}{remedy}"

    def _remedy(self) -> str:
        """Return how to add a missing module to an isolated environment."""
        interpreter = self._handle.interpreter
        if interpreter is None:
            return ""
        return f"; the environment {interpreter.label} lacks it: {interpreter.remedy}"

    def _signal(self) -> None:
        if not self._signalled:
            self._signalled = True
            self._handle.interrupt()
