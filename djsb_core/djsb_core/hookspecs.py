"""The events of a run that a plugin can listen to.

A plugin announces a module (or object) in the ``djsb.listeners`` entry-point group and marks its
functions with :data:`hookimpl`; every run imports it. A tracker (``djsb.trackers``) does the same
with its methods, for the runs that request it by name. A hookimpl may take any subset of the
arguments listed here, by name. A listener that fails is dropped with one warning; it never changes
the outcome of a run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pluggy

from djsb_core.metrics import Declarations
from djsb_core.text_enum import TextEnum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb_core.identity import JobId

NAMESPACE = "djsb"

hookspec = pluggy.HookspecMarker(NAMESPACE)
hookimpl = pluggy.HookimplMarker(NAMESPACE)


@dataclass(frozen=True)
class JobInfo:
    """One job of a run, as listeners see it."""

    run_id: str
    id: JobId
    """Which job of which iteration."""
    hook: str
    component: str | None
    folder: Path
    """The job's own folder, with its ``log.txt``."""
    declarations: Declarations = field(default_factory=Declarations)
    """What its hook and component declare about the metrics that it reports."""

    @property
    def pipeline(self) -> str:
        """The pipeline's name, ``anonymous`` for the single form."""
        return self.id.pipeline

    @property
    def iteration(self) -> int:
        """The iteration, from 1."""
        return self.id.iteration

    @property
    def stage(self) -> str:
        """The stage: ``probe``, ``refine_recipe``, ``execution`` or ``evaluation``."""
        return self.id.stage

    @property
    def position(self) -> int:
        """Position of the job in the experiment file, from 0."""
        return self.id.position

    @property
    def meta_name(self) -> str:
        """The job's ``meta_name``; by default made from its stage and position."""
        return self.id.meta_name


class CheckKind(TextEnum):
    """What a check looks at."""

    PACKAGE = "package"
    FILE = "file"
    """Weights and data."""
    COMMAND = "command"
    DEVICE = "device"
    DISK = "disk"
    ACCESS = "access"
    """Whether a folder is writable, or a server accepts the login."""
    ENVIRONMENT = "environment"
    CONFIG = "config"
    """A setting in an experiment file."""
    OTHER = "other"


@dataclass(frozen=True)
class DoctorCheck:
    """One requirement of an installation, and whether it is met."""

    subject: str
    ok: bool
    finding: str
    remedy: str = ""
    kind: CheckKind = CheckKind.OTHER
    required: bool = True
    """Whether nothing runs without it; otherwise it is optional."""
    path: Path | None = None
    """Where the file or folder is, or should be."""
    size: int | None = None
    """In bytes: of an existing file, or of one to be downloaded, if known."""
    sha256: str | None = None
    """Digest of the file, if it is known without reading the file."""
    location: tuple[str | int, ...] = ()
    """Keys and indices of what needs it inside the component's settings: ``("process", 1)``."""

    @property
    def sentence(self) -> str:
        """The check in one sentence, for messages."""
        return f"{self.subject}: {'; '.join(filter(None, (self.finding, self.remedy)))}"


@hookspec
def djsb_run_started(
    run_id: str, settings: Mapping[str, Any], folder: Path, group: str | None
) -> None:
    """Announce a run, before its first job.

    :param run_id: the run's name in the store
    :param settings: the whole experiment, as read from its file
    :param folder: the run's folder
    :param group: name of the sweep that the run belongs to, or ``None``
    """


@hookspec
def djsb_preparing(text: str) -> None:
    """Announce preparations before the first job, such as building an environment.

    :param text: a short line of progress
    """


@hookspec
def djsb_settings_added(run_id: str, settings: Mapping[str, Any]) -> None:
    """Announce settings that a script adds after the first value of its run.

    :param run_id: the run's name in the store
    :param settings: new and changed settings, by their dotted names
    """


@hookspec
def djsb_run_finished(run_id: str, seconds: float) -> None:
    """Announce a run whose jobs all succeeded.

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
    """Announce a pipeline whose jobs all succeeded.

    :param run_id: the run's name in the store
    :param pipeline: the pipeline's name
    """


@hookspec
def djsb_pipeline_failed(run_id: str, pipeline: str, error: BaseException) -> None:
    """Announce a pipeline that ended because a job failed.

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
    """Announce a job that succeeded.

    :param job: the job
    :param outputs: what the job returned, by output name
    :param seconds: wall time of the job, or of the reused execution if ``cached``
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
def djsb_job_warned(job: JobInfo, text: str) -> None:
    """Warn about a job that continues.

    :param job: the job
    :param text: what its user should know, in one line
    """


@hookspec
def djsb_job_silent(job: JobInfo, seconds: float) -> None:
    """Warn of a job whose process is unresponsive: it is stopped, or blocks its interpreter.

    :param job: the job, which is not terminated because of this
    :param seconds: time since its last heartbeat
    """


@hookspec
def djsb_metric_logged(
    job: JobInfo, name: str, value: float | str, step: int | None, seconds: float
) -> None:
    """Announce one value of one metric.

    :param job: the job that measured it
    :param name: the metric with its job's name: ``train.loss``
    :param value: a number or a string
    :param step: position in a series, or ``None``
    :param seconds: time since the start of the job
    """


@hookspec
def djsb_artifact_logged(job: JobInfo, name: str, kind: str, path: Path, step: int | None) -> None:
    """Announce a file that a job reports along with its metrics.

    :param job: the job
    :param name: what it shows, with the job's name: ``probe.text_len``
    :param kind: ``histogram`` (JSON: ``edges``, ``counts``, ``below``, ``above``, ``min``,
        ``max``), ``samples`` (JSON: ``values``, ``weights``), ``image`` or ``video``
    :param path: the file
    :param step: position in a series, or ``None``
    """
