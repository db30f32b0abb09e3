"""Receives the events of a run, and forwards them to the process that shows it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from djsb_core.api import ComponentConfig, JobInfo, Tracker, Workspace, hookimpl
from djsb_trackers.login import is_installed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb_trackers.shown import ShownRun

log = logging.getLogger(__name__)


class MirroringTracker(Tracker):
    """Shows runs in one tracker, through a process that imports the tracker's library."""

    library: ClassVar[str]
    """Name of the tracker, its library, its writer's module and the extra of this package."""

    def __init__(self, config: ComponentConfig, workspace: Workspace | None = None) -> None:
        """Start without a run."""
        super().__init__(config, workspace)
        self._shown: dict[str, ShownRun] = {}

    @classmethod
    def is_switched_off(cls) -> bool:
        """Return whether the user has disabled the tracker, regardless of the experiment."""
        return False

    @hookimpl
    def djsb_run_started(
        self, run_id: str, settings: Mapping[str, Any], folder: Path, group: str | None
    ) -> None:
        """Start the tracker's process."""
        if self.is_switched_off():
            return
        if not is_installed(self.library):
            log.warning(
                "skipped %s: it is not installed; pip install 'djsb-trackers[%s]'",
                self.library,
                self.library,
            )
            return
        from djsb_trackers.shown import ShownRun

        try:
            self._shown[run_id] = ShownRun(self.library, run_id, settings, folder, group)
        except OSError as error:  # no space for the log, no memory for the process
            log.warning("skipped %s: %s", self.library, error)

    @hookimpl
    def djsb_job_started(self, job: JobInfo) -> None:
        """Show that a job is running."""
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
        """Show settings that a script adds during its run."""
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
