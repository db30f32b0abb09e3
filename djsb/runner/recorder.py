"""Record runs and their jobs, of plans and of scripts, and notify the listeners."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from djsb.query.doubts import warnings_in
from djsb.store.database import StoreWriteError
from djsb_core.errors import DjsbError, JobCancelledError, describe_cause
from djsb_core.job.reports import LOG, Artifact, ArtifactKind, Point

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from djsb.cache.entry import Entry
    from djsb.store.records import RunRecord
    from djsb.store.store import Store
    from djsb_core.hookspecs import JobInfo
    from djsb_core.masking import Masker


MOST_NAMES = 10_000
"""Number of names that are remembered."""


@dataclass
class RunRecorder:
    """One run: its record in the store, and its listeners."""

    store: Store
    record: RunRecord
    masker: Masker
    """Masks the secrets of the settings and of the environment."""
    notify: Callable[..., None]
    """Notifies the listeners of an event: its name, and its arguments by name."""
    started: float = field(default_factory=time.monotonic)
    """By the monotonic clock."""
    _names: dict[str, str] = field(default_factory=dict)
    """Names without secrets, by name."""

    def begin(self) -> None:
        """Notify the listeners that the run begins."""
        self.notify(
            "djsb_run_started",
            run_id=self.record.id,
            folder=self.record.folder,
            settings=self.record.settings,
            group=self.record.sweep_name,
        )

    def end(self, error: BaseException | None, reason: str | None = None) -> None:
        """Record how the run ends, and notify the listeners.

        :param error: what ended it early
        :param reason: why it ended; by default, the error message
        """
        run_id, seconds = self.record.id, time.monotonic() - self.started
        with suppress(*harmless(error)):
            self.store.end_run(run_id, status_after(error), seconds, reason or self.reason(error))
        if error is None:
            self.notify("djsb_run_finished", run_id=run_id, seconds=seconds)
        else:
            self.notify("djsb_run_failed", run_id=run_id, seconds=seconds, error=error)

    def reason(self, error: BaseException | None) -> str | None:
        """Return why a run or a job ended early, without secrets."""
        if error is None or isinstance(error, KeyboardInterrupt):
            return None
        return self.masker.text(describe_cause(error))

    def job(self, info: JobInfo, **columns: object) -> JobRecorder:
        """Record a job that starts.

        :param columns: of its row in the store, in addition to those of ``info``
        """
        job_id = self.store.add_job(self.record.id, **_columns_of(info), **columns)
        return JobRecorder(self, info, job_id)

    def reused_job(
        self, info: JobInfo, entry: Entry, existing: JobRecorder | None, **columns: object
    ) -> JobRecorder:
        """Record a job that reuses an earlier execution, with all that it measured.

        :param existing: its recorder, if it is recorded already
        :param columns: of its row in the store, in addition to those of ``info``
        """
        points = self.masked([Point(*values) for values in entry.points])
        artifacts = [
            Artifact(self.masked_name(name), ArtifactKind(kind), step, path)
            for name, kind, step, path in entry.artifacts
        ]
        columns |= {
            "status": "cached",
            "source_run": entry.run_id,
            "seconds": entry.seconds,
            "files": entry.folder,
        }
        if existing is None:
            columns |= _columns_of(info)
            job_id = self.store.add_job(self.record.id, points, artifacts, **columns)
        else:
            job_id = existing.job_id
            self.store.update_job(job_id, points, artifacts, **columns)
        recorder = JobRecorder(self, info, job_id, points, artifacts)
        recorder.notify_points(points)
        for artifact in artifacts:
            recorder.notify_artifact(artifact)
        return recorder

    def masked(self, points: list[Point]) -> list[Point]:
        """Return values of metrics without secrets in their names and texts."""
        return [self._masked_point(point) for point in points]

    def _masked_point(self, point: Point) -> Point:
        name, value = self.masked_name(point.name), point.value
        if isinstance(value, str):
            return replace(point, name=name, value=self.masker.text(value))
        return point if name == point.name else replace(point, name=name)

    def masked_name(self, name: str) -> str:
        """Return a name without secrets; names recur, so each is searched once."""
        masked = self._names.get(name)
        if masked is None:
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            masked = self._names[name] = self.masker.text(name)
        return masked


@dataclass
class JobRecorder:
    """One job: its record in the store, and what it measures."""

    run: RunRecorder
    info: JobInfo
    job_id: int
    recorded_points: list[Point] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    """Files that it reported."""
    traced: bool = False
    """Whether the traceback of a failure is in the job's log already."""

    def points(self, points: list[Point]) -> None:
        """Record values of metrics."""
        points = self.run.masked(points)
        self.recorded_points += points
        self.run.store.add_points(self.job_id, points)
        self.notify_points(points)

    def artifact(self, artifact: Artifact) -> None:
        """Record a file that the job reported."""
        artifact = replace(artifact, name=self.run.masked_name(artifact.name))
        self.artifacts.append(artifact)
        self.run.store.add_artifact(self.job_id, artifact)
        self.notify_artifact(artifact)

    def silent(self, seconds: float) -> None:
        """Warn that the job's process is unresponsive."""
        self.run.notify("djsb_job_silent", job=self.info, seconds=seconds)

    def warn(self, text: str) -> None:
        """Warn about the job, in its log and to the listeners."""
        text = self.run.masker.text(text)
        with suppress(OSError), (self.info.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(f"djsb: {text}\n")
        self.run.notify("djsb_job_warned", job=self.info, text=text)

    def forget(self) -> None:
        """Forget what a failed attempt measured."""
        self.recorded_points.clear()
        self.artifacts.clear()
        self.run.store.forget_metrics(self.job_id)

    def finish(self, seconds: float, **columns: object) -> None:
        """Record that the job succeeded.

        :param columns: of its row in the store
        """
        self.run.store.update_job(self.job_id, status="finished", seconds=seconds, **columns)

    def notify_finished(
        self, seconds: float, outputs: Mapping[str, Any] | None = None, *, cached: bool = False
    ) -> None:
        """Notify the listeners that the job succeeded.

        :param outputs: what it returned, without secrets
        """
        arguments = {"outputs": outputs or {}, "seconds": seconds, "cached": cached}
        self.run.notify("djsb_job_finished", job=self.info, **arguments)

    def fail(self, error: BaseException, message: str | None, seconds: float) -> None:
        """Record a failure in the store and in the job's log; notify the listeners.

        :param message: of the error, without secrets
        """
        log = self.info.folder / LOG
        with suppress(*harmless(error)):
            if not self.traced:
                _write_traceback(log, error, self.run.masker)
            self.run.store.update_job(
                self.job_id, status=status_after(error), seconds=seconds, error=message
            )
        masked = self.run.masker.text(str(error))
        reported = error if masked == str(error) else DjsbError(masked)
        self.run.notify("djsb_job_failed", job=self.info, error=reported, seconds=seconds)

    def notify_points(self, points: list[Point]) -> None:
        """Notify the listeners of values of metrics, and of the warnings among them."""
        for text in warnings_in(points, self.info.declarations):
            self.run.notify("djsb_job_warned", job=self.info, text=text)
        for point in points:
            self.run.notify(
                "djsb_metric_logged",
                job=self.info,
                name=f"{self.info.meta_name}.{point.name}",
                value=point.value,
                step=point.step,
                seconds=point.seconds,
            )

    def notify_artifact(self, artifact: Artifact) -> None:
        """Notify the listeners of a file that the job reported."""
        self.run.notify(
            "djsb_artifact_logged",
            job=self.info,
            name=f"{self.info.meta_name}.{artifact.name}",
            kind=artifact.kind.value,
            path=artifact.path,
            step=artifact.step,
        )


def _columns_of(info: JobInfo) -> dict[str, object]:
    names = ("pipeline", "iteration", "stage", "position", "meta_name", "hook", "component")
    return {name: getattr(info, name) for name in (*names, "folder")}


def job_folder(position: int, name: str) -> str:
    """Return the name of a job's folder inside that of its run or pipeline."""
    return f"{position + 1:02d}-{safe_name(name)}"


def safe_name(name: str) -> str:
    """Make a name safe for a path: at most 60 letters of 4 bytes; the limit is 255 bytes."""
    return re.sub(r"[^\w-]", "_", name)[:60]


def status_after(error: BaseException | None) -> str:
    """Return the status of a run or a job that ended with this error, or without one."""
    if error is None:
        return "finished"
    return next((word for kind, word in STATUSES.items() if isinstance(error, kind)), "failed")


STATUSES = {KeyboardInterrupt: "interrupted", JobCancelledError: "cancelled"}
"""Status of a run or a job by the error that ended it."""


def harmless(error: BaseException | None) -> tuple[type[Exception], ...]:
    """Return errors, such as a full disk, that must not hide the one that ends a run."""
    return () if error is None else (OSError, sqlite3.Error, StoreWriteError)


def _write_traceback(log: Path, error: BaseException, masker: Masker) -> None:
    """Append a traceback to a job's log, without changing the cache's copy."""
    if log.exists() and log.stat().st_nlink > 1:
        own = log.with_suffix(".own")
        shutil.copy2(log, own)
        own.replace(log)
    with log.open("a", encoding="utf-8") as file:
        file.write("\n" + masker.text("".join(traceback.format_exception(error))))
