"""What is said between the core and a worker process about one job."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from djsb_core import __version__
from djsb_core.errors import ComponentError, DjsbError
from djsb_core.job.reports import Artifact, ArtifactKind, Point

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb.placement.worker_handle import WorkerHandle

START_SECONDS = 60.0
ASK_SECONDS = 0.2
"""How often to ask whether to go on while a process starts: it cannot be interrupted yet."""

SILENT_SECONDS = 60.0
"""How long a process that works may give no sign of life before the user is told."""


class RemoteError(DjsbError):
    """A job failed in its process, or its process died."""


class RemoteTraceback(Exception):  # noqa: N818 (it is shown as the cause of an error)
    """The traceback of an error in another process, as text."""

    def __str__(self) -> str:
        """Show it on lines of its own."""
        return f"\n{self.args[0]}"


class JobTimeoutError(DjsbError):
    """A job took longer than it may."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"took longer than its timeout of {seconds:g} s")


class ReportSink(Protocol):
    """Takes what a job reports while it runs."""

    def points(self, points: list[Point]) -> None:
        """Take values of metrics, in the order in which they were reported."""

    def artifact(self, artifact: Artifact) -> None:
        """Take a file that the job reports."""

    def silent(self, seconds: float) -> None:
        """Take note that the job's process gives no sign of life.

        :param seconds: since the last one
        """


class NullSink:
    """Takes no note of what is reported."""

    def points(self, points: list[Point]) -> None:
        """Forget the values."""

    def artifact(self, artifact: Artifact) -> None:
        """Forget the file."""

    def silent(self, seconds: float) -> None:
        """Say nothing."""


class Exchange:
    """What is said about one job: its order, its reports, its end."""

    def __init__(
        self, child: WorkerHandle, hear: ReportSink, timeout: float | None, grace: float
    ) -> None:
        """Prepare to have one job run.

        :param timeout: seconds; ``None`` for as long as it takes
        :param grace: seconds from the interrupt of a job that takes too long until it is killed
        """
        self._child = child
        self._hear = hear
        self._timeout = timeout
        self._grace = grace
        self._deadline = math.inf
        self._heard = time.monotonic()
        self._silent_told = False
        self._overdue = False
        self._greeted = False
        self._signalled = False
        self.asked = False
        """Whether the user asked the job to end."""
        self.started = False
        self.reusable = False
        """Whether the process can run another job: nothing of this one is left in it."""

    def run(self, message: Mapping[str, Any], *, greet: bool) -> dict[str, Any]:
        """Have the job run that the message orders; return its outputs."""
        if greet:
            self._greet()
        self._greeted = True
        self._child.send(message)
        if self._timeout is not None:
            self._deadline = time.monotonic() + self._timeout
        self._heard = time.monotonic()
        while True:
            event = self._child.next_event(self._patience())
            if event is not None:
                self._heard, self._silent_told = time.monotonic(), False
                if (outputs := self._take(event)) is not None:
                    return outputs
            elif time.monotonic() >= self._deadline:
                self._end_overdue()
            elif not self._silent_told:
                self._silent_told = True
                self._hear.silent(time.monotonic() - self._heard)

    def _patience(self) -> float:
        """Return for how many seconds to wait for the next event."""
        until = math.inf if self._silent_told else self._heard + SILENT_SECONDS
        return min(self._deadline, until) - time.monotonic()

    def _greet(self) -> None:
        end = time.monotonic() + START_SECONDS
        while (event := self._child.next_event(ASK_SECONDS)) is None:
            self.raise_if_stopped()
            if time.monotonic() >= end:
                raise RemoteError(f"the worker process was not ready within {START_SECONDS:g} s")
        if event.get("version") != __version__:
            raise RemoteError(
                f"the worker process runs djsb-core {event.get('version')}, this is {__version__}; "
                "install the same version there"
            )

    def _take(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """Take one event; return the outputs if it is the last. What is no event is ignored."""
        match event:
            case {"event": "started"}:
                self.started = True
                if self.asked or self._overdue:
                    self._signal()
            case {"event": "points", "points": list(points)}:
                self._hear.points([Point(*point) for point in points])
            case {"event": "artifact", "artifact": [str(name), str(kind), step, str(path)]}:
                self._hear.artifact(Artifact(name, ArtifactKind(kind), step, Path(path)))
            case {"event": "done", "outputs": dict(outputs)}:
                # A trainer that stops early when it is interrupted has not finished.
                self.raise_if_stopped()
                self.reusable = True
                return outputs
            case {"event": "failed"}:
                self.raise_if_stopped()
                if event.get("interrupted"):
                    raise KeyboardInterrupt
                self.reusable = not self._child.has_others()
                there = RemoteTraceback(event.get("traceback"))
                if event.get("known"):
                    raise ComponentError(event.get("message")) from there
                said = f"{event.get('type')}: {event.get('message')}"
                if event.get("type") == ModuleNotFoundError.__name__:
                    said += self._remedy()
                raise RemoteError(said) from there
        return None

    def interrupt(self) -> None:
        """Ask the job to end, now or as soon as it has begun."""
        self.asked = True
        if self.started:
            self._signal()

    def raise_if_stopped(self) -> None:
        """Say that the job was ended, if it was."""
        if self.asked:
            raise KeyboardInterrupt
        if self._overdue and self._timeout is not None:
            raise JobTimeoutError(self._timeout)

    def died(self) -> str:
        """Say how the process ended."""
        if self._greeted:
            return f"the job's process died: {self._child.ended()}"
        said = self._child.complaint()
        remedy = self._remedy() if ModuleNotFoundError.__name__ in said else ""
        return f"the worker process did not start: {said or self._child.ended()}{remedy}"

    def _remedy(self) -> str:
        """Say what to do about a module that is missing in an isolated environment."""
        there = self._child.interpreter
        return f"; the environment {there.label} lacks it: {there.remedy}" if there else ""

    def _end_overdue(self) -> None:
        if self._overdue:
            self._child.kill()
            self._deadline = math.inf
            return
        self._overdue = True
        self._deadline = time.monotonic() + self._grace
        if self.started:
            self._signal()

    def _signal(self) -> None:
        if not self._signalled:
            self._signalled = True
            self._child.interrupt()
