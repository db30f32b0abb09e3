"""Run the pipelines of one iteration, concurrently where they are independent."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from djsb_core.errors import JobCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


@dataclass
class Outcome:
    """The outcome of the pipelines."""

    errors: dict[str, BaseException] = field(default_factory=dict)
    """The error that ended each failed pipeline, by name."""
    cancelled: dict[str, JobCancelledError] = field(default_factory=dict)
    """Pipelines that ended with a cancelled job, by name."""
    skipped: list[str] = field(default_factory=list)
    """Pipelines that did not run, because one that they need failed or was cancelled, or because
    the run ended first."""

    def must_skip(self, needs: frozenset[str], *, keep_going: bool) -> bool:
        """Return whether a pipeline with these dependencies must be skipped."""
        failed = {*self.errors, *self.cancelled, *self.skipped}
        return bool(failed & needs) or (bool(self.errors) and not keep_going)

    def add(self, name: str, error: BaseException) -> None:
        """Record what ended a pipeline."""
        if isinstance(error, JobCancelledError):
            self.cancelled[name] = error
        else:
            self.errors[name] = error


@dataclass(frozen=True)
class Schedule:
    """The pipelines in order, each with those that it waits for."""

    pipelines: Sequence[str]
    needs: Mapping[str, frozenset[str]]
    keep_going: bool = False
    """Whether pipelines that do not depend on a failed one still run."""

    def run_here(self, run_one: Callable[[str], None]) -> Outcome:
        """Run the pipelines sequentially in this thread.

        :raises KeyboardInterrupt: if the user ends the run
        """
        outcome = Outcome()
        for name in self.pipelines:
            if self._must_skip(name, outcome):
                outcome.skipped.append(name)
                continue
            try:
                run_one(name)
            except Exception as error:  # noqa: BLE001 (reported at the end)
                outcome.add(name, error)
        return outcome

    def run_side_by_side(
        self,
        run_one: Callable[[str], None],
        workers: int,
        stopped: Callable[[], bool],
        stop: Callable[[], None],
    ) -> Outcome:
        """Run up to ``workers`` pipelines at a time, each in a thread.

        :param stopped: returns whether the user ended the run; then no further pipeline starts
        :param stop: ends the running pipelines; called when this thread is interrupted
        """
        outcome = Outcome()
        sorter = TopologicalSorter({name: self.needs.get(name, ()) for name in self.pipelines})
        sorter.prepare()
        running: dict[Future[None], str] = {}
        ready: list[str] = []
        with _threads(workers, stop) as pool:
            while sorter.is_active():
                ready = sorted({*ready, *sorter.get_ready()}, key=self.pipelines.index)
                if ready and (stopped() or self._must_skip(ready[0], outcome)):
                    name = ready.pop(0)
                    outcome.skipped.append(name)
                    sorter.done(name)
                elif ready and len(running) < workers:
                    name = ready.pop(0)
                    running[pool.submit(run_one, name)] = name
                else:
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        name = running.pop(future)
                        if (error := future.exception()) is not None:
                            outcome.add(name, error)
                        sorter.done(name)
        return outcome

    def _must_skip(self, name: str, outcome: Outcome) -> bool:
        return outcome.must_skip(self.needs.get(name, frozenset()), keep_going=self.keep_going)


INTERRUPTS = 3
"""The first ends the jobs cleanly, the second kills them, the third stops waiting."""


@contextmanager
def _threads(workers: int, stop: Callable[[], None]) -> Iterator[ThreadPoolExecutor]:
    """Start a thread pool, and wait until its threads have ended.

    If a foreign signal handler interrupts this thread (with KeyboardInterrupt or any other error),
    the running pipelines are ended, too.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pipeline")
    try:
        yield pool
    except BaseException:
        stop()
        _join(pool, stop, INTERRUPTS - 1)
        raise
    _join(pool, stop, INTERRUPTS)


def _join(pool: ThreadPoolExecutor, stop: Callable[[], None], interrupts: int) -> None:
    for remaining in reversed(range(interrupts)):
        try:
            pool.shutdown(wait=True, cancel_futures=True)
        except KeyboardInterrupt:
            if remaining == 0:
                raise
            stop()
        else:
            return
