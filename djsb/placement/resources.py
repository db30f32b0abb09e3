"""Share the CPUs, GPUs and memory of a machine among the jobs that run side by side."""

from __future__ import annotations

import math
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from djsb.doctor.devices import VISIBLE
from djsb_core.errors import RequestError
from djsb_core.text import size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from djsb_core.interfaces.placement import Placement
    from djsb_core.interfaces.resources import Resources

WAIT_SECONDS = 0.1
"""How often a job that waits is asked whether it still wants to."""

DENOMINATOR = 10**6
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""What numerical libraries ask for the number of threads that they start."""


@dataclass(frozen=True)
class Allocation:
    """What one job has of the machine until it ends."""

    resources: Resources
    gpus: tuple[str, ...] = ()
    """As ``CUDA_VISIBLE_DEVICES`` names them."""

    def variables(self, cpus: float | None, *, hide_gpus: bool) -> dict[str, str]:
        """Return the environment variables that keep a job to what it has.

        :param cpus: what the experiment states; ``None`` leaves the number of threads as it is
        :param hide_gpus: whether a job without a GPU of its own sees none
        """
        variables = {} if cpus is None else dict.fromkeys(THREADS, str(max(1, int(cpus))))
        if self.gpus or hide_gpus:
            variables[VISIBLE] = ",".join(self.gpus)
        return variables


@dataclass
class _Free:
    """What is not claimed. Fractions: shares of a GPU add up to exactly one."""

    cpus: Fraction
    memory: int
    gpus: dict[str, Fraction]

    def take(self, wanted: Resources, preferred: Sequence[str]) -> Allocation | None:
        """Take what a job wants, if all of it is free."""
        gpus = self._choose(_exact(wanted.gpus), preferred)
        if gpus is None or _exact(wanted.cpus) > self.cpus or wanted.memory > self.memory:
            return None
        allocation = Allocation(wanted, gpus)
        self.add(allocation, -1)
        return allocation

    def reserve(self, wanted: Resources) -> None:
        """Keep what a job waits for from those behind it."""
        gpus = self._choose(_exact(wanted.gpus), ())
        if gpus is None:
            self.gpus = {}
        else:
            self.gpus = {name: free for name, free in self.gpus.items() if name not in gpus}
        self.cpus = max(Fraction(0), self.cpus - _exact(wanted.cpus))
        self.memory = max(0, self.memory - wanted.memory)

    def _choose(self, amount: Fraction, preferred: Sequence[str]) -> tuple[str, ...] | None:
        """Choose GPUs: whole ones that nobody uses, or for a share the fullest that has room."""
        count = math.ceil(amount)
        needed = min(amount, Fraction(1))
        names = [name for name, free in self.gpus.items() if free >= needed]
        names.sort(key=lambda name: (name not in preferred, self.gpus[name]))
        return tuple(names[:count]) if count <= len(names) else None

    def add(self, allocation: Allocation, sign: int) -> None:
        """Take what a job has got (-1), or take it back (1)."""
        self.cpus += sign * _exact(allocation.resources.cpus)
        self.memory += sign * allocation.resources.memory
        share = min(_exact(allocation.resources.gpus), Fraction(1))
        for name in allocation.gpus:
            self.gpus[name] += sign * share

    def __copy__(self) -> _Free:
        return replace(self, gpus=dict(self.gpus))


@dataclass(eq=False)
class _Waiting:
    """A job that waits for what it wants."""

    wanted: Resources
    preferred: Sequence[str]
    allocation: Allocation | None = None


@dataclass(eq=False)
class ResourceBroker:
    """Gives jobs what they claim as soon as it is free, first come, first served.

    A job may overtake those before it only with what they do not wait for, so none waits for ever.
    """

    placement: Placement[Any]
    _changed: Condition = field(default_factory=Condition)
    _queue: list[_Waiting] = field(default_factory=list)

    @contextmanager
    def claim(
        self, wanted: Resources, check: Callable[[], None], preferred: Sequence[str] = ()
    ) -> Iterator[Allocation]:
        """Wait until all of it is free, and keep it while the block runs.

        :param check: called while it waits; what it raises ends the waiting
        :param preferred: GPUs that are as good as any other, and better for this job
        :raises RequestError: if the machine does not have as much
        """
        problems = self.problems(wanted)
        if problems:
            raise RequestError("; ".join(problems.values()))
        waiting = _Waiting(wanted, preferred)
        try:
            allocation = self._wait(waiting, check)
            yield allocation
        finally:
            self._end(waiting)

    def problems(self, wanted: Resources) -> dict[str, str]:
        """Say, by key, what of a claim the machine could never give."""
        owner, capacity = self.placement.label, self._capacity
        problems: dict[str, str] = {}
        if wanted.cpus > capacity.cpus:
            problems["cpus"] = f"asks for {wanted.cpus:g} CPUs, {owner} has {capacity.cpus:g}"
        if wanted.gpus > 0 and wanted.gpus > len(self._gpus):
            noun = "GPU" if wanted.gpus == 1 else "GPUs"
            problems["gpus"] = f"asks for {wanted.gpus:g} {noun}, {owner} has {len(self._gpus)}"
        if wanted.memory > capacity.memory:
            sizes = size_text(wanted.memory, binary=True), size_text(capacity.memory, binary=True)
            problems["memory"] = f"asks for {sizes[0]} of memory, {owner} has {sizes[1]}"
        return problems

    def limit(self, default: Resources) -> Resources:
        """Cut a component's default to what the machine has."""
        gpus = min(default.gpus, len(self._gpus)) if default.gpus else 0
        capacity = self._capacity
        cpus, memory = min(default.cpus, capacity.cpus), min(default.memory, capacity.memory)
        return replace(default, cpus=cpus, memory=memory, gpus=gpus)

    @cached_property
    def _capacity(self) -> Resources:
        return self.placement.capacity()

    @cached_property
    def _gpus(self) -> tuple[str, ...]:
        return tuple(self.placement.gpus())

    @cached_property
    def _free(self) -> _Free:
        return _Free(_exact(self._capacity.cpus), self._capacity.memory, {})

    def _wait(self, waiting: _Waiting, check: Callable[[], None]) -> Allocation:
        with self._changed:
            if waiting.wanted.gpus and not self._free.gpus:  # the first job that wants one
                self._free.gpus = dict.fromkeys(self._gpus, Fraction(1))
            self._queue.append(waiting)
            self._grant()
            while waiting.allocation is None:
                check()
                self._changed.wait(WAIT_SECONDS)
            return waiting.allocation

    def _end(self, waiting: _Waiting) -> None:
        with self._changed:
            if waiting.allocation is not None:
                self._free.add(waiting.allocation, 1)
            elif waiting in self._queue:
                self._queue.remove(waiting)
            self._grant()

    def _grant(self) -> None:
        """Give what is free to those that wait, in their order."""
        rest = copy(self._free)
        for waiting in tuple(self._queue):
            allocation = rest.take(waiting.wanted, waiting.preferred)
            if allocation is None:
                rest.reserve(waiting.wanted)
                continue
            self._free.add(allocation, -1)
            waiting.allocation = allocation
            self._queue.remove(waiting)
        self._changed.notify_all()


_BROKERS: WeakValueDictionary[tuple[type, str | None], ResourceBroker] = WeakValueDictionary()
_GUARD = Lock()


def broker_of(placement: Placement[Any]) -> ResourceBroker:
    """Return the broker of a place: sessions of this process that use it at a time share it."""
    key = type(placement), placement.config.address
    with _GUARD:
        broker = _BROKERS.get(key)
        if broker is None:
            broker = _BROKERS[key] = ResourceBroker(placement)
        return broker


def _exact(number: float) -> Fraction:
    return Fraction(number).limit_denominator(DENOMINATOR)
