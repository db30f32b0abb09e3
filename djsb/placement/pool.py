"""The executors of a session: each serves one job at a time; all are closed together."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Any

from djsb.placement.resources import broker_of
from djsb_core.interfaces.placement import ANY_PROCESS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from djsb.placement.interrupt import Interrupt
    from djsb.placement.resources import Allocation
    from djsb_core.interfaces.placement import Cancellation, Executor, Placement, ProcessSpec
    from djsb_core.interfaces.resources import Resources

WAIT_SECONDS = 0.2
"""How often a job that waits for an executor checks whether it was cancelled."""


@dataclass(frozen=True)
class Lease:
    """The executor and the resources that one job holds until it ends."""

    executor: Executor
    allocation: Allocation


class ExecutorPool:
    """The executors of a placement, which limit how many jobs run at a time."""

    def __init__(self, placement: Placement[Any]) -> None:
        """Start nothing yet."""
        self.broker = broker_of(placement)
        self._placement = placement
        self._all: tuple[Executor, ...] = ()
        """Created for the first job: a run that finds all results in the cache needs none."""
        self._idle: list[Executor] = []
        self._returned = Condition()
        self._gpus: dict[Executor, tuple[str, ...]] = {}
        """The GPUs that an executor had last: it may still have a process for them."""
        self._running: list[tuple[Hashable, Cancellation]] = []

    @contextmanager
    def executor(
        self,
        interrupt: Interrupt,
        process: ProcessSpec = ANY_PROCESS,
        check: Callable[[], None] | None = None,
    ) -> Iterator[Executor]:
        """Acquire an executor, preferably one with such a process; wait until one is idle.

        :param interrupt: of the run that uses it
        :param check: called while it waits; what it raises ends the waiting
        :raises KeyboardInterrupt: if the user ended the run
        """
        executor = self._take(process, check or interrupt.raise_if_asked)
        try:
            executor.reset()
            with interrupt.reaching(executor):
                yield executor
        finally:
            with self._returned:
                self._idle.append(executor)
                self._returned.notify()

    @contextmanager
    def lease(
        self,
        claim: Resources,
        cancellation: Cancellation,
        interrupt: Interrupt,
        process: ProcessSpec = ANY_PROCESS,
    ) -> Iterator[Lease]:
        """Acquire an executor and a job's resources; wait until all of it is free.

        :param interrupt: of the job's run
        :raises RequestError: if the machine does not have that much
        :raises KeyboardInterrupt: if the user ended the run
        :raises JobCancelledError: if the job was cancelled
        """

        def check() -> None:
            interrupt.raise_if_asked()
            cancellation.raise_if_cancelled()

        with self.executor(interrupt, process, check) as executor:
            preferred = self._gpus.get(executor, ())
            with self.broker.claim(claim, check, preferred) as allocation:
                if allocation.gpus:
                    self._gpus[executor] = allocation.gpus
                    for other in self._all:
                        if other is not executor:
                            other.release_gpus(allocation.gpus)
                yield Lease(executor, allocation)

    @contextmanager
    def cancellable(self, job: Hashable, cancellation: Cancellation) -> Iterator[None]:
        """Let :meth:`cancel` reach a job while the block runs it.

        :param job: its key
        """
        entry = (job, cancellation)  # runs in two work_dirs may have the same id
        self._running.append(entry)
        try:
            yield
        finally:
            self._running.remove(entry)

    def cancel(self, job: Hashable, reason: str) -> bool:
        """End one job while the others continue, from any thread.

        Its processes get SIGINT, and SIGKILL after a grace period.

        :param job: its key
        :param reason: recorded as the job's error
        :returns: whether it was running
        """
        cancellations = [cancellation for key, cancellation in [*self._running] if key == job]
        for cancellation in cancellations:
            cancellation.cancel(reason)
        return bool(cancellations)

    def close(self) -> None:
        """End the executors' processes."""
        for executor in self._all:
            executor.close()

    def _take(self, process: ProcessSpec, check: Callable[[], None]) -> Executor:
        with self._returned:
            check()
            if not self._all:
                self._all = tuple(self._placement.create_executors())
                self._idle = [*reversed(self._all)]
            while not self._idle:
                self._returned.wait(WAIT_SECONDS)
                check()
            # Last in, first out: the other executors need not start a process.
            candidates = [*reversed(self._idle)]
            executor = next(
                (executor for executor in candidates if executor.is_warm(process)), candidates[0]
            )
            self._idle.remove(executor)
            return executor
