"""The executors of a run: lent to one job at a time, and ended together."""

from __future__ import annotations

import queue
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb.placement.interrupt import Interrupt
from djsb.placement.resources import broker_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from djsb.placement.resources import Allocation
    from djsb_core.interfaces.placement import Cancellation, Executor, Placement
    from djsb_core.interfaces.resources import Resources

WAIT_SECONDS = 0.2
"""How often a job that waits for an executor checks whether it is still to run."""


@dataclass(frozen=True)
class Lease:
    """What one job has until it ends."""

    executor: Executor
    allocation: Allocation


class ExecutorPool:
    """The executors of a placement; at most as many jobs run at a time."""

    def __init__(self, placement: Placement[Any]) -> None:
        """Create the executors; no process starts before the first job."""
        self.broker = broker_of(placement)
        self._placement = placement
        self._all = tuple(placement.create_executors())
        self._idle: queue.SimpleQueue[Executor] = queue.SimpleQueue()
        for executor in reversed(self._all):
            self._idle.put(executor)
        self._gpus: dict[Executor, tuple[str, ...]] = {}
        """Those that an executor had last: a process for them may be there."""
        self._running: dict[Hashable, Cancellation] = {}
        self.interrupt = Interrupt(self._ask_all, self._kill_all)

    @contextmanager
    def executor(self, check: Callable[[], None] | None = None) -> Iterator[Executor]:
        """Lend an executor; wait until one is idle.

        :param check: called while it waits; what it raises ends the waiting
        :raises KeyboardInterrupt: if the user ended the run
        """
        check = check or self.raise_if_stopped
        executor = self._take(check)
        try:
            yield executor
        finally:
            self._idle.put(executor)

    @contextmanager
    def lease(self, wanted: Resources, cancellation: Cancellation) -> Iterator[Lease]:
        """Lend an executor, and what a job wants of the machine; wait until all of it is free.

        :raises RequestError: if the machine does not have as much
        :raises KeyboardInterrupt: if the user ended the run
        :raises JobCancelledError: if the job was cancelled
        """

        def check() -> None:
            self.raise_if_stopped()
            cancellation.raise_if_cancelled()

        with self.executor(check) as executor:
            preferred = self._gpus.get(executor, ())
            with self.broker.claim(wanted, check, preferred) as allocation:
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
        self._running[job] = cancellation
        try:
            yield
        finally:
            del self._running[job]

    def cancel(self, job: Hashable, reason: str) -> bool:
        """End one job while the others run on, from any thread.

        It gets SIGINT, and after a grace period SIGKILL, with all its processes.

        :param job: the key that it runs under
        :param reason: recorded as the job's error
        :returns: whether it was running
        """
        cancellation = self._running.get(job)
        if cancellation is None:
            return False
        cancellation.cancel(reason)
        return True

    def raise_if_stopped(self) -> None:
        """Stop what would otherwise start or keep waiting.

        :raises KeyboardInterrupt: if the user ended the run
        """
        if self.interrupt.asked:
            raise KeyboardInterrupt

    def close(self) -> None:
        """End the executors' processes."""
        for executor in self._all:
            executor.close()

    def _take(self, check: Callable[[], None]) -> Executor:
        while True:
            check()
            try:
                return self._idle.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                continue

    def _ask_all(self) -> None:
        for executor in self._all:
            executor.interrupt()

    def _kill_all(self) -> None:
        for executor in self._all:
            executor.kill()
