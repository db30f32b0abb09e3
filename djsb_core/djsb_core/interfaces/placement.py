"""The placement interface: where the jobs of a run are executed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import Field

from djsb_core.errors import JobCancelledError
from djsb_core.interfaces.component import Component, ComponentConfig, ConfigT

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from djsb_core.interfaces.interpreter import Interpreter
    from djsb_core.interfaces.resources import Resources
    from djsb_core.job.reports import Artifact, Point
    from djsb_core.job.request import JobRequest


class ReportSink(Protocol):
    """Receives what a job reports while it runs."""

    def points(self, points: list[Point]) -> None:
        """Receive values of metrics, in the order in which they were reported."""

    def artifact(self, artifact: Artifact) -> None:
        """Receive a file that the job reports."""

    def silent(self, seconds: float) -> None:
        """Handle that the job's process is unresponsive.

        :param seconds: time since its last event
        """


class NullSink:
    """Discards what is reported."""

    def points(self, points: list[Point]) -> None:
        """Discard the values."""

    def artifact(self, artifact: Artifact) -> None:
        """Discard the file."""

    def silent(self, seconds: float) -> None:
        """Do nothing."""


class Cancellation:
    """The cancellation of one job while the run continues, with its reason.

    The job's executor polls it a few times per second.
    """

    def __init__(self) -> None:
        """Start without a cancellation."""
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the job is cancelled; ``None`` if it is not."""
        return self._reason

    def cancel(self, reason: str) -> None:
        """Cancel the job, from any thread; the first reason is kept."""
        if self._reason is None:
            self._reason = reason

    def raise_if_cancelled(self) -> None:
        """Raise if the job was cancelled.

        :raises JobCancelledError: with the reason, if the job was cancelled
        """
        if self._reason is not None:
            raise JobCancelledError(self._reason)


@dataclass(frozen=True)
class ProcessSpec:
    """The kind of process that a job must run in."""

    interpreter: Interpreter | None = None
    """Interpreter of an isolated environment; ``None`` for the one that runs djsb."""
    alone: bool = False
    """Whether it gets a process that no other job has used or will use."""


ANY_PROCESS = ProcessSpec()


class Executor(ABC):
    """Runs jobs, one at a time.

    The variables of a request are set before the code of its component is imported. Jobs with
    different variables do not share a process.
    """

    @abstractmethod
    def execute(
        self,
        request: JobRequest,
        sink: ReportSink,
        timeout: float | None = None,
        process: ProcessSpec = ANY_PROCESS,
        cancellation: Cancellation | None = None,
    ) -> dict[str, Any]:
        """Run a job and return its outputs by name.

        :param timeout: in seconds; ``None`` for no limit
        :param cancellation: ends the job when it is cancelled
        :raises KeyboardInterrupt: if the job, or this executor, was interrupted or killed
        :raises JobCancelledError: if the job was cancelled
        :raises DjsbError: if the job fails
        """

    @abstractmethod
    def inspect(self, request: JobRequest, process: ProcessSpec, *, whole: bool) -> list[str]:
        """List what would prevent a job from running in its process; run nothing.

        :param whole: build its component and check it; otherwise only import the code
        :raises KeyboardInterrupt: if this executor was interrupted or killed
        :raises DjsbError: if the code cannot be imported, or its process does not start
        """

    @abstractmethod
    def interrupt(self) -> None:
        """Interrupt the running job; no other job starts before :meth:`reset`.

        Called from any thread or from a signal handler; calling it again has no effect.
        """

    @abstractmethod
    def kill(self) -> None:
        """Kill the running job with all its processes; no other job starts before a reset."""

    @abstractmethod
    def reset(self) -> None:
        """Accept jobs again after an interrupt, which ended only the jobs of one run."""

    def is_warm(self, process: ProcessSpec) -> bool:  # noqa: ARG002 (for those that keep processes)
        """Return whether such a process is already running, so that a job need not wait for it."""
        return False

    def release_gpus(self, gpus: Collection[str]) -> None:  # noqa: B027 (most hold none)
        """End idle processes that may hold memory of these GPUs, for a job of another executor.

        Called from any thread.
        """

    def close(self) -> None:  # noqa: B027 (most hold nothing)
        """End the executor's processes, if it has any."""


class PlacementConfig(ComponentConfig):
    """Settings of every placement, from the command line."""

    address: str | None = Field(
        None, description="The address in `--on NAME:ADDRESS`, such as that of a cluster's head."
    )
    workers: int = Field(1, ge=0, description="Number of concurrent jobs; see `--workers`.")


class Placement(Component[ConfigT]):
    """The place where the jobs of a run are executed, one task per job; see ``djsb run --on``.

    Session, store and cache stay in the process that runs djsb.
    """

    config_type: ClassVar[type[ComponentConfig]] = PlacementConfig

    label: ClassVar[str] = "this machine"
    """Name of what provides the CPUs and GPUs, for messages."""

    @abstractmethod
    def capacity(self) -> Resources:
        """Return the CPUs and the memory that its jobs may use in total, without GPUs."""

    @abstractmethod
    def gpus(self) -> Sequence[str]:
        """List its GPUs by their ``CUDA_VISIBLE_DEVICES`` names; called when a job claims GPUs."""

    @abstractmethod
    def create_executors(self) -> Sequence[Executor]:
        """Create one executor per concurrent job; no process starts yet."""
