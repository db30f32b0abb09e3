"""What a job finds in its process, and leaves behind: the same for every job.

A library that is imported while a job runs is caught right after its import: what it was like
before the job changed it can still be read then.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import signal
import sys
import threading
import time
import warnings
from contextlib import ExitStack, contextmanager, suppress
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

from djsb_core.job.library_states import LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from djsb_core.job.request import JobRequest

UNTOUCHABLE = (signal.SIGKILL, signal.SIGSTOP)
LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
LEAST = 0.001
"""Seconds of a timer that has run out meanwhile."""

ATTRIBUTES = ("stdin", "stdout", "stderr", "excepthook", "displayhook", "unraisablehook")
LISTS = ("path", "argv", "meta_path", "path_hooks", "warnoptions")


@contextmanager
def restored_surroundings(seed: int) -> Iterator[None]:
    """Start random generators from a seed, and restore all that the block changes in the process.

    Environment, working folder, import path, signals, limits, warnings; of libraries also their
    random states, numbers of threads and defaults.
    """
    with ExitStack() as restore:
        for keep in (_folder, _environment, _interpreter, _signals, _limits, _masks):
            for step in keep():
                restore.callback(_quietly, step)
        finder = _AfterImport(seed, restore)
        for name in LIBRARIES.keys() & sys.modules.keys():
            finder.keep(name, sys.modules[name])
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            finder.active = False


def seed_of(request: JobRequest) -> int:
    """Return the seed of a job's random generators: equal for equal jobs in any folders."""
    parts = [request.hook, request.component, request.dj_configs, request.extra_configs]
    text = json.dumps(_without_folders(parts), sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big")


def _without_folders(value: Any) -> Any:  # noqa: ANN401 (any setting)
    if isinstance(value, dict):
        return {str(key): _without_folders(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(item) for item in value]
    return value.rstrip("/").rpartition("/")[2] if isinstance(value, str) else value


class _AfterImport(MetaPathFinder):
    """Keeps the state of a library right after it is imported."""

    def __init__(self, seed: int, restore: ExitStack) -> None:
        self.active = True
        self._seed = seed
        self._restore = restore
        self._kept: set[str] = set()

    def keep(self, name: str, module: ModuleType) -> None:
        """Let the end of the job restore the current state of a library."""
        if self.active and name not in self._kept:
            self._kept.add(name)
            # A library of another version may lack what is asked for.
            with suppress(AttributeError, ImportError, RuntimeError, TypeError):
                for step in LIBRARIES[name](module, self._seed):
                    self._restore.callback(_quietly, step)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a library as without this finder, and be told when it is imported."""
        if not self.active or fullname not in LIBRARIES or fullname in self._kept:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                self._tell(fullname, spec.loader)
                return spec
        return None

    def _tell(self, name: str, loader: Any) -> None:  # noqa: ANN401 (any loader)
        execute = getattr(loader, "exec_module", None)
        if execute is None or isinstance(loader, type):
            return

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            execute(module)
            self.keep(name, module)

        loader.exec_module = exec_module


def _quietly(step: Callable[[], object]) -> None:
    """Restore one thing; what cannot be restored must not hide the job's outcome."""
    with suppress(OSError, ValueError, RuntimeError, AttributeError, TypeError):
        step()


def _folder() -> Iterator[Callable[[], object]]:
    try:
        folder = os.open(".", os.O_RDONLY)
    except OSError:  # it was removed
        return
    yield lambda: os.close(folder)
    yield lambda: os.fchdir(folder)


def _environment() -> Iterator[Callable[[], object]]:
    before = dict(os.environ)

    def put_back() -> None:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        for name, value in before.items():
            if os.environ.get(name) != value:
                os.environ[name] = value
        time.tzset()

    yield put_back


def _interpreter() -> Iterator[Callable[[], object]]:
    for name in LISTS:
        yield _put_list(name, getattr(sys, name))
    for name in ATTRIBUTES:
        yield _put_attribute(sys, name)
    yield _put(sys.setrecursionlimit, sys.getrecursionlimit())
    yield _put(sys.setswitchinterval, sys.getswitchinterval())
    yield _put(sys.settrace, sys.gettrace())
    yield _put(sys.setprofile, sys.getprofile())
    yield gc.enable if gc.isenabled() else gc.disable
    filters = list(warnings.filters)
    if filters != (original := warnings.filters) or isinstance(original, list):
        yield lambda: _reset_filters(original, filters)


def _reset_filters(original: Any, filters: list[Any]) -> None:  # noqa: ANN401 (as in typeshed)
    if warnings.filters is not original or list(original) != filters:
        original[:] = filters
        warnings.filters = original
        warnings._filters_mutated()  # type: ignore[attr-defined]  # noqa: SLF001


def _put_list(name: str, value: list[Any]) -> Callable[[], object]:
    items = list(value)

    def put_back() -> None:
        value[:] = items
        setattr(sys, name, value)

    return put_back


def _put_attribute(owner: object, name: str) -> Callable[[], object]:
    value = getattr(owner, name)

    def put_back() -> None:
        now = getattr(owner, name, None)
        if now is not value:
            setattr(owner, name, value)
            if name in ("stdout", "stderr") and now is not None:
                now.flush()

    return put_back


def _put(function: Callable[[Any], object], value: object) -> Callable[[], object]:
    return lambda: function(value)


def _signals() -> Iterator[Callable[[], object]]:
    if threading.current_thread() is not threading.main_thread():
        return
    handlers = {
        number: handler
        for number in signal.valid_signals()
        if number not in UNTOUCHABLE and (handler := signal.getsignal(number)) is not None
    }

    def put_back() -> None:
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)

    yield put_back
    yield _put_timer(*signal.getitimer(signal.ITIMER_REAL))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _put_timer(seconds: float, interval: float) -> Callable[[], object]:
    started = time.monotonic()

    def put_back() -> None:
        remaining = max(seconds - (time.monotonic() - started), LEAST) if seconds else 0
        signal.setitimer(signal.ITIMER_REAL, remaining, interval)

    return put_back


def _limits() -> Iterator[Callable[[], object]]:
    for limit in LIMITS:
        with suppress(OSError, ValueError):
            yield _put_limit(limit, resource.getrlimit(limit))
    if hasattr(os, "sched_getaffinity"):
        yield _put(lambda cpus: os.sched_setaffinity(0, cpus), os.sched_getaffinity(0))


def _put_limit(limit: int, value: tuple[int, int]) -> Callable[[], object]:
    def put_back() -> None:
        if resource.getrlimit(limit) != value:
            resource.setrlimit(limit, value)

    return put_back


def _masks() -> Iterator[Callable[[], object]]:
    """Restore the mask of new files; the only other way to read it is to change it."""
    with suppress(OSError), open("/proc/self/status", encoding="ascii", errors="replace") as lines:  # noqa: PTH123
        for line in lines:
            if line.startswith("Umask:"):
                yield _put(os.umask, int(line.split()[1], 8))
                return
