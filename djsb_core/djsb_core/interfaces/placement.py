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
    """Takes what a job reports while it runs."""

    def points(self, points: list[Point]) -> None:
        """Take values of metrics, in the order in which they were reported."""

    def artifact(self, artifact: Artifact) -> None:
        """Take a file that the job reports."""

    def silent(self, seconds: float) -> None:
        """Take note that the job's process is unresponsive.

        :param seconds: since its last event
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
    """Whether one job is to end while the run continues, and why.

    The job's executor asks for it a few times per second.
    """

    def __init__(self) -> None:
        """Start with a job that nobody wants to end."""
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the job is to end; ``None`` if it is not."""
        return self._reason

    def cancel(self, reason: str) -> None:
        """Request the end of the job, from any thread; the first reason is kept."""
        if self._reason is None:
            self._reason = reason

    def raise_if_cancelled(self) -> None:
        """Stop what would otherwise start or keep waiting.

        :raises JobCancelledError: with the reason, if the job was cancelled
        """
        if self._reason is not None:
            raise JobCancelledError(self._reason)


@dataclass(frozen=True)
class ProcessSpec:
    """What process a job has to run in."""

    interpreter: Interpreter | None = None
    """That of an isolated environment; ``None`` for the one that runs djsb."""
    alone: bool = False
    """Whether it gets a process that no other job has used or will use."""


ANY_PROCESS = ProcessSpec()


class Executor(ABC):
    """Runs jobs, one at a time.

    The variables of a request are set before the code of its component is imported. Jobs whose
    variables differ share no process.
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

        :param timeout: seconds; ``None`` for as long as it takes
        :param cancellation: ends the job when it is cancelled
        :raises KeyboardInterrupt: if the job, or this executor, was interrupted or killed
        :raises JobCancelledError: if the job was cancelled
        :raises DjsbError: if the job fails
        """

    @abstractmethod
    def inspect(self, request: JobRequest, process: ProcessSpec, *, whole: bool) -> list[str]:
        """List what would keep a job from running in its process, one sentence each; run nothing.

        :param whole: build its component and check it; else only import the code
        :raises KeyboardInterrupt: if this executor was interrupted or killed
        :raises DjsbError: if the code cannot be imported, or its process does not start
        """

    @abstractmethod
    def interrupt(self) -> None:
        """Ask the running job to end; no other one begins before :meth:`reset`.

        From any thread, and from a signal handler; asking again changes nothing.
        """

    @abstractmethod
    def kill(self) -> None:
        """Kill the running job with all its processes; no other one begins before a reset."""

    @abstractmethod
    def reset(self) -> None:
        """Be ready for another job, after an interrupt too: that ended the jobs of one run."""

    def is_warm(self, process: ProcessSpec) -> bool:  # noqa: ARG002 (for those that keep processes)
        """Tell whether a job with such a process need not wait until one has started."""
        return False

    def release_gpus(self, gpus: Collection[str]) -> None:  # noqa: B027 (most hold none)
        """End idle processes that may hold memory of these GPUs: another executor's job gets them.

        Called from any thread.
        """

    def close(self) -> None:  # noqa: B027 (most hold nothing)
        """End the executor's processes, if it has any."""


class PlacementConfig(ComponentConfig):
    """Settings that every placement takes, from the command line."""

    address: str | None = Field(
        None, description="What follows the name in `--on NAME:ADDRESS`, such as a cluster's head."
    )
    workers: int = Field(1, ge=0, description="How many jobs run at a time; see `--workers`.")


class Placement(Component[ConfigT]):
    """Where the jobs of a run are executed, each as one task; chosen by ``djsb run --on``.

    Session, store and cache stay in the process that runs djsb.
    """

    config_type: ClassVar[type[ComponentConfig]] = PlacementConfig

    label: ClassVar[str] = "this machine"
    """What has the CPUs and GPUs, in messages."""

    @abstractmethod
    def capacity(self) -> Resources:
        """Return the CPUs and the memory that its jobs may take together, without its GPUs."""

    @abstractmethod
    def gpus(self) -> Sequence[str]:
        """List its GPUs, as ``CUDA_VISIBLE_DEVICES`` names them; asked when a job claims some."""

    @abstractmethod
    def create_executors(self) -> Sequence[Executor]:
        """Create as many executors as jobs may run at a time; no process starts yet."""
