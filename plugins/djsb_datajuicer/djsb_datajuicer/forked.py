"""Work on parts of a dataset in forked processes, which inherit rows and operators."""

from __future__ import annotations

import multiprocessing
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

ResultT = TypeVar("ResultT")

AHEAD = 3
"""Parts per process that are worked on, or wait to be fetched."""


class NoWorkError(Exception):
    """A process was started without inheriting its work."""


def forked_map(
    work: Callable[[int], ResultT],
    parts: Iterable[int],
    workers: int,
    prepare: Callable[[], None] = lambda: None,
) -> Iterator[ResultT]:
    """Yield the results of a function in order; only few are held in memory.

    Forked processes inherit the function, so neither it nor the rows that it reads need be
    picklable; without them, or with one worker, it runs in this process.

    :param prepare: called once in each of the processes
    """
    if workers <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, parts)
        return
    context = multiprocessing.get_context("fork")
    waiting: deque[Future[Any]] = deque()
    with ProcessPoolExecutor(workers, context, _inherit, (work, prepare)) as pool:
        for part in parts:
            waiting.append(pool.submit(_run_inherited, part))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


_work: Callable[[int], Any] | None = None


def _inherit(work: Callable[[int], Any], prepare: Callable[[], None]) -> None:
    global _work  # noqa: PLW0603 (one process, one piece of work)
    _work = work
    prepare()


def _run_inherited(part: int) -> Any:  # noqa: ANN401 (any result)
    if _work is None:
        raise NoWorkError
    return _work(part)
