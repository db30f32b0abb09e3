"""The moments of a run, as a callback of the Python API gets them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from djsb_core.hookspecs import JobInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class EventKind(StrEnum):
    """What happened."""

    WARNING = "warning"
    """Something to know before the run; see ``text``."""
    PREPARING = "preparing"
    """Something is made that jobs need, such as an environment; see ``text``."""
    RUN_STARTED = "run_started"
    JOB_STARTED = "job_started"
    METRIC = "metric"
    """A job reported a value: ``name``, ``value``, ``step``."""
    JOB_SILENT = "job_silent"
    """A job has been unresponsive for so many ``seconds``; it may hang."""
    JOB_FINISHED = "job_finished"
    """``cached`` tells whether it was reused; ``seconds`` are those of its execution."""
    JOB_FAILED = "job_failed"
    RUN_FINISHED = "run_finished"
    RUN_FAILED = "run_failed"


@dataclass(frozen=True)
class Event:
    """One moment of a run."""

    kind: EventKind
    text: str = ""
    """What it says; of a failure, the reason."""
    run_id: str | None = None
    """``None`` before the run is recorded."""
    job: JobInfo | None = None
    """Pipeline, stage, position, ``meta_name``, hook, component and folder of the job."""
    seconds: float | None = None
    cached: bool = False
    name: str = ""
    """Of a metric, with the job before it: ``train.loss``."""
    value: float | str | None = None
    step: int | None = None


class EventListener:
    """Makes events of what a listener hears of one run."""

    def __init__(self, report: Callable[[Event], None] | None) -> None:
        """Hand events on.

        :param report: called with each; ``None`` for nobody
        """
        self._report = report
        self.run_id: str | None = None
        """Known as soon as the run is recorded."""

    def warn(self, text: str) -> None:
        """Hand on a warning from before the run."""
        self._hand_on(EventKind.WARNING, text)

    @hookimpl
    def djsb_preparing(self, text: str) -> None:
        """Something is prepared."""
        self._hand_on(EventKind.PREPARING, text)

    @hookimpl
    def djsb_run_started(self, run_id: str, folder: Path) -> None:
        """Remember which run it is."""
        self.run_id = run_id
        self._hand_on(EventKind.RUN_STARTED, str(folder))

    @hookimpl
    def djsb_job_started(self, job: JobInfo) -> None:
        """Begin a job."""
        self._hand_on(EventKind.JOB_STARTED, job=job)

    @hookimpl
    def djsb_metric_logged(
        self, job: JobInfo, name: str, value: float | str, step: int | None, seconds: float
    ) -> None:
        """Hand on a value."""
        self._hand_on(EventKind.METRIC, job=job, name=name, value=value, step=step, seconds=seconds)

    @hookimpl
    def djsb_job_silent(self, job: JobInfo, seconds: float) -> None:
        """Warn of an unresponsive job."""
        self._hand_on(EventKind.JOB_SILENT, job=job, seconds=seconds)

    @hookimpl
    def djsb_job_finished(self, job: JobInfo, seconds: float, cached: bool) -> None:  # noqa: FBT001
        """End a job."""
        self._hand_on(EventKind.JOB_FINISHED, job=job, seconds=seconds, cached=cached)

    @hookimpl
    def djsb_job_failed(self, job: JobInfo, error: BaseException, seconds: float) -> None:
        """End a job that failed."""
        self._hand_on(EventKind.JOB_FAILED, str(error), job=job, seconds=seconds)

    @hookimpl
    def djsb_run_finished(self, seconds: float) -> None:
        """End the run."""
        self._hand_on(EventKind.RUN_FINISHED, seconds=seconds)

    @hookimpl
    def djsb_run_failed(self, error: BaseException, seconds: float) -> None:
        """End a run that failed."""
        self._hand_on(EventKind.RUN_FAILED, str(error), seconds=seconds)

    def _hand_on(self, kind: EventKind, text: str = "", **values: object) -> None:
        if self._report is not None:
            self._report(Event(kind, text, self.run_id, **values))  # type: ignore[arg-type]
