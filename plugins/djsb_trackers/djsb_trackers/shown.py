"""Names, masks and sends the events of a run to a tracker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from djsb_core.api import JobInfo, mask
from djsb_trackers.messages import Artifact, End, Facts, Settings, Start, Value
from djsb_trackers.relay import Relay, patience

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ANONYMOUS = "anonymous"
"""The pipeline of an experiment without ``pipelines``; its name is not shown."""


class ShownRun:
    """One run in one tracker."""

    def __init__(
        self,
        tracker: str,
        run_id: str,
        settings: Mapping[str, Any],
        folder: Path,
        group: str | None = None,
    ) -> None:
        """Start the tracker's process.

        :raises OSError: if it cannot be started
        """
        self._started = time.monotonic()
        self._settings = settings
        self._several = settings.get("max_iter_num", 1) != 1
        self._relay = Relay(tracker, folder / f"{tracker}.log")
        start = Start(
            run_id=run_id,
            project=str(settings.get("project_name") or "djsb"),
            name=str(settings.get("experiment_name") or run_id),
            folder=str(folder.absolute()),
            settings=mask(settings),
            group=group,
        )
        self._relay.send(start)
        of_sweep = {} if group is None else {"run/sweep": group}
        self._relay.send(Facts({"run/id": run_id, "run/status": "running", **of_sweep}))

    def job(self, job: JobInfo, **facts: float | str) -> None:
        """Send facts about a job."""
        name = f"jobs/{self._prefix(job)}{job.meta_name}"
        self._relay.send(Facts({f"{name}.{key}": fact for key, fact in facts.items()}))

    def value(self, job: JobInfo, name: str, value: float | str, step: int | None) -> None:
        """Send one value of one metric."""
        if isinstance(value, str):
            # Masked together with the settings, whose secrets it may contain.
            value = str(mask({"settings": self._settings, "text": value})["text"])
        prefix = self._prefix(job)
        at = time.time()
        self._relay.send(Value(prefix + job.meta_name, prefix + name, value, step, at))

    def artifact(self, job: JobInfo, name: str, kind: str, path: Path, step: int | None) -> None:
        """Send the path of a file."""
        prefix = self._prefix(job)
        file, at = str(path.absolute()), time.time()
        self._relay.send(Artifact(prefix + job.meta_name, prefix + name, kind, file, step, at))

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Send settings that were added after the start."""
        self._settings = {**self._settings, **settings}
        self._relay.send(Settings(mask(settings)))

    def end(self, status: str, seconds: float) -> None:
        """Send how the run ended, and wait briefly for the process.

        :param seconds: wall time of the run
        """
        self._relay.send(Facts({"run/status": status, "run/seconds": seconds}))
        self._relay.send(End(status))
        # Counted from the end of the run: all its trackers share the time.
        self._relay.close(self._started + seconds + patience())

    def _prefix(self, job: JobInfo) -> str:
        """Return the prefix of a job's name."""
        pipeline = "" if job.pipeline == ANONYMOUS else f"{job.pipeline}/"
        return f"iter_{job.iteration}/{pipeline}" if self._several else pipeline
