"""The state that libraries keep in a process: random generators, threads, defaults.

Each function prepares a library for a job, and yields what restores it afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


def _random(module: Any, seed: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    state = module.getstate()
    yield lambda: module.setstate(state)
    module.seed(seed)


def _numpy(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    errors, shown = module.geterr(), module.get_printoptions()
    yield lambda: module.seterr(**errors)
    yield lambda: module.set_printoptions(**shown)


def _numpy_random(module: Any, seed: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    state = module.get_state(legacy=False)
    yield lambda: module.set_state(state)
    module.seed(seed)


def _torch(module: Any, seed: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    for name in ("num_threads", "default_dtype", "float32_matmul_precision"):
        yield _pair(module, f"get_{name}", f"set_{name}")
    yield _pair(module, "is_grad_enabled", "set_grad_enabled")
    yield _pair(module, "is_anomaly_enabled", "set_anomaly_enabled", module.autograd)
    strict = module.are_deterministic_algorithms_enabled()
    warns = module.is_deterministic_algorithms_warn_only_enabled()
    yield lambda: module.use_deterministic_algorithms(strict, warn_only=warns)
    for name in ("benchmark", "deterministic", "enabled"):
        yield _attribute(module.backends.cudnn, name)
    device = module.get_default_device()
    yield lambda: None if module.get_default_device() == device else module.set_default_device(None)
    state = module.get_rng_state()
    yield lambda: module.set_rng_state(state)
    if module.cuda.is_initialized():
        states = module.cuda.get_rng_state_all()
        yield lambda: module.cuda.set_rng_state_all(states)
    module.manual_seed(seed)


def _opencv(module: Any, seed: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    yield _pair(module, "getNumThreads", "setNumThreads")
    yield lambda: module.setRNGSeed(0)
    module.setRNGSeed(seed % (1 << 31))


def _arrow(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    yield _pair(module, "cpu_count", "set_cpu_count")
    yield _pair(module, "io_thread_count", "set_io_thread_count")


def _thread_pools(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    threads = {pool["filepath"]: pool["num_threads"] for pool in module.threadpool_info()}

    def put_back() -> None:
        for library in module.ThreadpoolController().lib_controllers:
            if library.num_threads != threads.get(library.filepath, library.num_threads):
                library.set_num_threads(threads[library.filepath])

    yield put_back


def _logging(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    root, handlers = module.root, list(module.root.handlers)
    yield lambda: root.handlers.__setitem__(slice(None), handlers)
    yield _put(root.setLevel, root.level)
    yield _put(module.disable, root.manager.disable)


def _locale(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    now = module.setlocale(module.LC_ALL)
    yield (
        lambda: (
            None if module.setlocale(module.LC_ALL) == now else module.setlocale(module.LC_ALL, now)
        )
    )


def _decimal(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    yield _put(module.setcontext, module.getcontext().copy())


def _socket(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    yield _pair(module, "getdefaulttimeout", "setdefaulttimeout")


def _tempfile(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    yield _attribute(module, "tempdir")


def _processes(module: Any, _: int) -> Iterator[Callable[[], object]]:  # noqa: ANN401
    method = module.get_start_method(allow_none=True)
    yield (
        lambda: (
            None
            if module.get_start_method(allow_none=True) == method
            else module.set_start_method(method, force=True)
        )
    )


LIBRARIES: Mapping[str, Callable[[Any, int], Iterator[Callable[[], object]]]] = {
    "random": _random,
    "numpy": _numpy,
    "numpy.random": _numpy_random,
    "torch": _torch,
    "cv2": _opencv,
    "pyarrow": _arrow,
    "threadpoolctl": _thread_pools,
    "logging": _logging,
    "locale": _locale,
    "decimal": _decimal,
    "socket": _socket,
    "tempfile": _tempfile,
    "multiprocessing": _processes,
}
"""By the module that is imported."""


def _pair(
    module: Any,  # noqa: ANN401
    read: str,
    write: str,
    owner: Any = None,  # noqa: ANN401
) -> Callable[[], object]:
    """Return what writes the current value back, if it has changed by then."""
    value = getattr(module, read)()

    def put_back() -> None:
        if getattr(module, read)() != value:
            getattr(owner or module, write)(value)

    return put_back


def _put(function: Callable[[Any], object], value: object) -> Callable[[], object]:
    return lambda: function(value)


def _attribute(owner: Any, name: str) -> Callable[[], object]:  # noqa: ANN401
    value = getattr(owner, name)

    def put_back() -> None:
        if getattr(owner, name) != value:
            setattr(owner, name, value)

    return put_back
