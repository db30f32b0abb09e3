"""The executors of a run: lent to one job at a time, and ended together."""

from __future__ import annotations

import queue
from contextlib import contextmanager
from typing import TYPE_CHECKING

from djsb.placement.interrupt import Interrupt
from djsb.placement.workers import Executor, InProcessExecutor, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Iterator


class ExecutorPool:
    """As many executors as there are workers; with none, jobs run in this process."""

    def __init__(self, workers: int) -> None:
        """Make the executors; no process starts before the first job."""
        self._all: list[Executor] = [WorkerProcess() for _ in range(workers)] or [
            InProcessExecutor()
        ]
        self._idle: queue.SimpleQueue[Executor] = queue.SimpleQueue()
        for executor in reversed(self._all):
            self._idle.put(executor)
        self.interrupt = Interrupt(self._ask_all, self._kill_all)

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """Lend an executor; there is one for every pipeline that may run at a time.

        :raises KeyboardInterrupt: if the user ended the run
        """
        self.raise_if_stopped()
        executor = self._idle.get()
        try:
            yield executor
        finally:
            self._idle.put(executor)

    def raise_if_stopped(self) -> None:
        """End what would go on waiting or starting.

        :raises KeyboardInterrupt: if the user ended the run
        """
        if self.interrupt.asked:
            raise KeyboardInterrupt

    def close(self) -> None:
        """End the executors' processes."""
        for executor in self._all:
            executor.close()

    def _ask_all(self) -> None:
        for executor in self._all:
            executor.interrupt()

    def _kill_all(self) -> None:
        for executor in self._all:
            executor.kill()
