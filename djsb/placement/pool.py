"""The executors of a session: each is lent to one job at a time, and all are ended together."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

from djsb.placement.workers import ANYWHERE, Executor, InProcessExecutor, Place, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb.placement.interrupt import Interrupt

WAIT_SECONDS = 0.2
"""How often a job that waits for an executor looks whether its run was interrupted."""


class ExecutorPool:
    """As many executors as there are workers; with none, jobs run in this process."""

    def __init__(self, workers: int) -> None:
        """Create the executors; no process starts before the first job."""
        self._all: list[Executor] = [WorkerProcess() for _ in range(workers)] or [
            InProcessExecutor()
        ]
        self._idle = [*reversed(self._all)]
        self._returned = Condition()

    @contextmanager
    def executor(self, interrupt: Interrupt, place: Place = ANYWHERE) -> Iterator[Executor]:
        """Lend an executor, preferably one that has a process for this place already.

        :param interrupt: of the run that uses it
        :raises KeyboardInterrupt: if the run is to end
        """
        executor = self._take(interrupt, place)
        try:
            executor.reset()
            with interrupt.reaching(executor):
                yield executor
        finally:
            with self._returned:
                self._idle.append(executor)
                self._returned.notify()

    def _take(self, interrupt: Interrupt, place: Place) -> Executor:
        with self._returned:
            interrupt.raise_if_asked()
            while not self._idle:
                self._returned.wait(WAIT_SECONDS)
                interrupt.raise_if_asked()
            # The last one returned is the first one lent: the others need not start a process.
            last_first = [*reversed(self._idle)]
            executor = next((one for one in last_first if one.is_warm(place)), last_first[0])
            self._idle.remove(executor)
            return executor

    def close(self) -> None:
        """End the executors' processes."""
        for executor in self._all:
            executor.close()
