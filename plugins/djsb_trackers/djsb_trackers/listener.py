"""Hears of a run's moments; does next to nothing for a run that is not shown."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from djsb_core.api import JobInfo, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb_trackers.shown import ShownRun

log = logging.getLogger(__name__)


class TrackerListener:
    """Shows runs in one tracker, if they are to be."""

    def __init__(self, tracker: str) -> None:
        """Start with no run.

        :param tracker: its name, which is that of its library and of this package's extra
        """
        self._tracker = tracker
        self._shown: dict[str, ShownRun] = {}

    @hookimpl
    def djsb_run_started(
        self, run_id: str, settings: Mapping[str, Any], folder: Path, group: str | None
    ) -> None:
        """Start the tracker's process, if the run is to be shown."""
        from djsb_trackers.choice import is_installed, is_wanted

        if not is_wanted(self._tracker, settings):
            return
        if not is_installed(self._tracker):
            log.warning(
                "no %s: it is not installed; pip install 'djsb-trackers[%s]'",
                self._tracker,
                self._tracker,
            )
            return
        from djsb_trackers.shown import ShownRun

        try:
            self._shown[run_id] = ShownRun(self._tracker, run_id, settings, folder, group)
        except OSError as error:  # no space for the log, no memory for the process
            log.warning("no %s: %s", self._tracker, error)

    @hookimpl
    def djsb_job_started(self, job: JobInfo) -> None:
        """Show that a job runs."""
        if shown := self._shown.get(job.run_id):
            shown.job(job, status="running")

    @hookimpl
    def djsb_job_finished(self, job: JobInfo, seconds: float, cached: bool) -> None:  # noqa: FBT001 (as specified)
        """Show how a job ended, and what it took."""
        if shown := self._shown.get(job.run_id):
            shown.job(job, status="cached" if cached else "finished", seconds=seconds)

    @hookimpl
    def djsb_job_failed(self, job: JobInfo, error: BaseException, seconds: float) -> None:
        """Show how a job ended, and what it took."""
        if shown := self._shown.get(job.run_id):
            shown.job(job, status=_status(error), seconds=seconds)

    @hookimpl
    def djsb_metric_logged(
        self, job: JobInfo, name: str, value: float | str, step: int | None
    ) -> None:
        """Show a value."""
        if shown := self._shown.get(job.run_id):
            shown.value(job, name, value, step)

    @hookimpl
    def djsb_artifact_logged(
        self, job: JobInfo, name: str, kind: str, path: Path, step: int | None
    ) -> None:
        """Show a file."""
        if shown := self._shown.get(job.run_id):
            shown.artifact(job, name, kind, path, step)

    @hookimpl
    def djsb_settings_added(self, run_id: str, settings: Mapping[str, Any]) -> None:
        """Show settings that a script gives while its run goes on."""
        if shown := self._shown.get(run_id):
            shown.settings(settings)

    @hookimpl
    def djsb_run_finished(self, run_id: str, seconds: float) -> None:
        """Show how the run ended; wait for the tracker, but not long."""
        if shown := self._shown.pop(run_id, None):
            shown.end("finished", seconds)

    @hookimpl
    def djsb_run_failed(self, run_id: str, seconds: float, error: BaseException) -> None:
        """Show how the run ended; wait for the tracker, but not long."""
        if shown := self._shown.pop(run_id, None):
            shown.end(_status(error), seconds)


def _status(error: BaseException) -> str:
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
