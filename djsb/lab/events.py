"""The events of a run, as passed to a callback of the Python API."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from djsb_core.discovery import warn_of_dropped
from djsb_core.errors import DjsbError
from djsb_core.foreign import PluginFault, contained
from djsb_core.hookspecs import JobInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


ON_PROGRESS = "on_progress"
"""The argument of ``djsb.run`` that takes a callback."""


class EventKind(StrEnum):
    """What happened."""

    WARNING = "warning"
    """Something to know before the run; see ``text``."""
    PREPARING = "preparing"
    """Something that jobs need, such as an environment, is being created; see ``text``."""
    RUN_STARTED = "run_started"
    JOB_STARTED = "job_started"
    METRIC = "metric"
    """A job reported a value: ``name``, ``value``, ``step``."""
    JOB_SILENT = "job_silent"
    """A job has been unresponsive for ``seconds``; it may hang."""
    JOB_WARNED = "job_warned"
    """A job's user should know something; see ``text``."""
    JOB_FINISHED = "job_finished"
    """``cached`` is true if it was reused; ``seconds`` is the time of its execution."""
    JOB_FAILED = "job_failed"
    RUN_FINISHED = "run_finished"
    RUN_FAILED = "run_failed"


@dataclass(frozen=True)
class Event:
    """One event of a run."""

    kind: EventKind
    text: str = ""
    """The message; for a failure, the reason."""
    run_id: str | None = None
    """``None`` before the run is recorded."""
    job: JobInfo | None = None
    """Pipeline, stage, position, ``meta_name``, hook, component and folder of the job."""
    seconds: float | None = None
    cached: bool = False
    name: str = ""
    """Of a metric, prefixed with the job: ``train.loss``."""
    value: float | str | None = None
    step: int | None = None


class EventListener:
    """Turns the notifications of one run into events."""

    def __init__(self, callback: Callable[[Event], None] | None) -> None:
        """Pass events to a callback.

        :param callback: called with each event; ``None``: events are dropped
        """
        self._callback = callback
        self.__name__ = ON_PROGRESS  # by which the log names it
        self.run_id: str | None = None
        """Known as soon as the run is recorded."""

    def warn(self, text: str) -> None:
        """Report a warning from before the run."""
        try:
            with contained(ON_PROGRESS):
                self._report(EventKind.WARNING, text)
        except (PluginFault, DjsbError) as fault:  # as in every moment of the run
            warn_of_dropped(ON_PROGRESS, EventKind.WARNING, fault)
            self._callback = None

    @hookimpl
    def djsb_preparing(self, text: str) -> None:
        """Report a preparation step."""
        self._report(EventKind.PREPARING, text)

    @hookimpl
    def djsb_run_started(self, run_id: str, folder: Path) -> None:
        """Remember which run it is."""
        self.run_id = run_id
        self._report(EventKind.RUN_STARTED, str(folder))

    @hookimpl
    def djsb_job_started(self, job: JobInfo) -> None:
        """Report that a job began."""
        self._report(EventKind.JOB_STARTED, job=job)

    @hookimpl
    def djsb_metric_logged(
        self, job: JobInfo, name: str, value: float | str, step: int | None, seconds: float
    ) -> None:
        """Report a value of a metric."""
        self._report(EventKind.METRIC, job=job, name=name, value=value, step=step, seconds=seconds)

    @hookimpl
    def djsb_job_silent(self, job: JobInfo, seconds: float) -> None:
        """Warn of an unresponsive job."""
        self._report(EventKind.JOB_SILENT, job=job, seconds=seconds)

    @hookimpl
    def djsb_job_warned(self, job: JobInfo, text: str) -> None:
        """Report the warning."""
        self._report(EventKind.JOB_WARNED, text, job=job)

    @hookimpl
    def djsb_job_finished(self, job: JobInfo, seconds: float, cached: bool) -> None:  # noqa: FBT001
        """Report that a job finished."""
        self._report(EventKind.JOB_FINISHED, job=job, seconds=seconds, cached=cached)

    @hookimpl
    def djsb_job_failed(self, job: JobInfo, error: BaseException, seconds: float) -> None:
        """Report that a job failed."""
        self._report(EventKind.JOB_FAILED, str(error), job=job, seconds=seconds)

    @hookimpl
    def djsb_run_finished(self, seconds: float) -> None:
        """Report that the run finished."""
        self._report(EventKind.RUN_FINISHED, seconds=seconds)

    @hookimpl
    def djsb_run_failed(self, error: BaseException, seconds: float) -> None:
        """Report that the run failed."""
        self._report(EventKind.RUN_FAILED, str(error), seconds=seconds)

    def _report(self, kind: EventKind, text: str = "", **values: object) -> None:
        if self._callback is not None:
            try:
                self._callback(Event(kind, text, self.run_id, **values))  # type: ignore[arg-type]
            except KeyboardInterrupt as interrupt:
                raise KeyboardInterrupt from interrupt  # the caller's own code may end the run
