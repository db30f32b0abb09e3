"""The moments of a run that a plugin can listen to.

A plugin announces a module (or object) in the ``djsb.listeners`` entry-point group and marks its
functions with :data:`hookimpl`; every run imports it. A tracker (``djsb.trackers``) does the same
with its methods, for the runs that ask for it by name. A hookimpl may take any subset of the
arguments listed here, by name. A listener that fails is dropped with one warning; it never changes
the outcome of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

from djsb_core.text_enum import TextEnum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMESPACE = "djsb"

hookspec = pluggy.HookspecMarker(NAMESPACE)
hookimpl = pluggy.HookimplMarker(NAMESPACE)


@dataclass(frozen=True)
class JobInfo:
    """One job of a run, as listeners see it."""

    run_id: str
    pipeline: str
    iteration: int
    """From 1."""
    stage: str
    position: int
    """Place of the job in the experiment file, from 0."""
    meta_name: str
    """The job's ``meta_name``; a name made from hook and position where the file gives none."""
    hook: str
    component: str | None
    folder: Path
    """The job's own folder, with its ``log.txt``."""


class CheckKind(TextEnum):
    """What a check looks at."""

    PACKAGE = "package"
    FILE = "file"
    """Weights and data."""
    COMMAND = "command"
    DEVICE = "device"
    DISK = "disk"
    ACCESS = "access"
    """Whether a folder can be written to, a server logged in to."""
    ENVIRONMENT = "environment"
    CONFIG = "config"
    """What an experiment file says."""
    OTHER = "other"


@dataclass(frozen=True)
class DoctorCheck:
    """One thing that an installation needs, and whether it is there."""

    subject: str
    ok: bool
    finding: str
    remedy: str = ""
    kind: CheckKind = CheckKind.OTHER
    required: bool = True
    """Whether nothing runs without it; else it is good to have."""
    path: Path | None = None
    """Where a file or folder is, or belongs."""
    size: int | None = None
    """In bytes: of a file that is there, or that will be fetched, where that is known."""
    sha256: str | None = None
    """Digest of the file, where it is known without reading the file."""

    @property
    def sentence(self) -> str:
        """The whole check in one sentence, for messages."""
        return f"{self.subject}: {'; '.join(filter(None, (self.finding, self.remedy)))}"


@hookspec
def djsb_run_started(
    run_id: str, settings: Mapping[str, Any], folder: Path, group: str | None
) -> None:
    """Announce a run, before its first job.

    :param run_id: the run's name in the store
    :param settings: the whole experiment, as it was read
    :param folder: the run's folder
    :param group: name of the sweep that the run belongs to, or ``None``
    """


@hookspec
def djsb_preparing(text: str) -> None:
    """Announce what is prepared before the first job, such as an environment.

    :param text: a short line
    """


@hookspec
def djsb_settings_added(run_id: str, settings: Mapping[str, Any]) -> None:
    """Announce settings that a script gives after the first value of its run.

    :param run_id: the run's name in the store
    :param settings: those that are new or changed, by their dotted names
    """


@hookspec
def djsb_run_finished(run_id: str, seconds: float) -> None:
    """Announce a run whose jobs all ended well.

    :param run_id: the run's name in the store
    :param seconds: wall time of the run
    """


@hookspec
def djsb_run_failed(run_id: str, seconds: float, error: BaseException) -> None:
    """Announce a run that ended with a failed job or an interruption.

    :param run_id: the run's name in the store
    :param seconds: wall time of the run
    :param error: what ended it
    """


@hookspec
def djsb_pipeline_started(run_id: str, pipeline: str) -> None:
    """Announce a pipeline, before its first job.

    :param run_id: the run's name in the store
    :param pipeline: the pipeline's name, ``anonymous`` for the single form
    """


@hookspec
def djsb_pipeline_finished(run_id: str, pipeline: str) -> None:
    """Announce a pipeline whose jobs all ended well.

    :param run_id: the run's name in the store
    :param pipeline: the pipeline's name
    """


@hookspec
def djsb_pipeline_failed(run_id: str, pipeline: str, error: BaseException) -> None:
    """Announce a pipeline that a failed job ended.

    :param run_id: the run's name in the store
    :param pipeline: the pipeline's name
    :param error: what ended it
    """


@hookspec
def djsb_job_started(job: JobInfo) -> None:
    """Announce a job that is about to start.

    :param job: the job
    """


@hookspec
def djsb_job_finished(
    job: JobInfo,
    outputs: Mapping[str, Any],
    seconds: float,
    cached: bool,  # noqa: FBT001 (listeners take arguments by name)
) -> None:
    """Announce a job that ended well.

    :param job: the job
    :param outputs: what the job returned, by output name
    :param seconds: wall time of the job; of the execution that was reused, if ``cached``
    :param cached: whether an earlier execution was reused
    """


@hookspec
def djsb_job_failed(job: JobInfo, error: BaseException, seconds: float) -> None:
    """Announce a job that failed, or was cancelled.

    :param job: the job
    :param error: what the job raised; a ``JobCancelledError`` if it was cancelled
    :param seconds: wall time of the job
    """


@hookspec
def djsb_job_silent(job: JobInfo, seconds: float) -> None:
    """Warn of a job whose process is unresponsive: it is stopped, or blocks its interpreter.

    :param job: the job, which is not ended because of it
    :param seconds: since it last responded
    """


@hookspec
def djsb_metric_logged(
    job: JobInfo, name: str, value: float | str, step: int | None, seconds: float
) -> None:
    """Announce one value of one metric.

    :param job: the job that measured it
    :param name: the metric with its job's name: ``train.loss``
    :param value: a number, or a text
    :param step: position in a series, or ``None``
    :param seconds: since the start of the job
    """


@hookspec
def djsb_artifact_logged(job: JobInfo, name: str, kind: str, path: Path, step: int | None) -> None:
    """Announce a file that a job reports in addition to its metrics.

    :param job: the job
    :param name: what it shows, with the job's name: ``probe.text_len``
    :param kind: ``histogram`` (JSON: ``edges``, ``counts``, ``below``, ``above``, ``min``,
        ``max``), ``samples`` (JSON: ``values``, ``weights``), ``image`` or ``video``
    :param path: the file
    :param step: position in a series, or ``None``
    """
