"""Share the CPUs, GPUs and memory of a machine among concurrent jobs."""

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
"""How often a waiting job checks whether it was cancelled."""

DENOMINATOR = 10**6
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""Variables from which numerical libraries read their number of threads."""


@dataclass(frozen=True)
class Allocation:
    """The resources that one job holds until it ends."""

    resources: Resources
    gpus: tuple[str, ...] = ()
    """As ``CUDA_VISIBLE_DEVICES`` names them."""

    def variables(self, cpus: float | None, *, hide_gpus: bool) -> dict[str, str]:
        """Return the environment variables that limit a job to its resources.

        :param cpus: as set by the experiment; ``None`` leaves the number of threads unchanged
        :param hide_gpus: whether GPUs are hidden from a job that claims none
        """
        variables = {} if cpus is None else dict.fromkeys(THREADS, str(max(1, int(cpus))))
        if self.gpus or hide_gpus:
            variables[VISIBLE] = ",".join(self.gpus)
        return variables


@dataclass
class _Free:
    """The unclaimed resources. Fractions, so that shares of a GPU add up to exactly one."""

    cpus: Fraction
    memory: int
    gpus: dict[str, Fraction]

    def take(self, claim: Resources, preferred: Sequence[str]) -> Allocation | None:
        """Take a job's claim, if all of it is free."""
        gpus = self._choose(_exact(claim.gpus), preferred)
        if gpus is None or _exact(claim.cpus) > self.cpus or claim.memory > self.memory:
            return None
        allocation = Allocation(claim, gpus)
        self.add(allocation, -1)
        return allocation

    def reserve(self, claim: Resources) -> None:
        """Reserve the claim of a waiting job, so that later jobs cannot take it."""
        gpus = self._choose(_exact(claim.gpus), ())
        if gpus is None:
            self.gpus = {}
        else:
            self.gpus = {name: free for name, free in self.gpus.items() if name not in gpus}
        self.cpus = max(Fraction(0), self.cpus - _exact(claim.cpus))
        self.memory = max(0, self.memory - claim.memory)

    def _choose(self, amount: Fraction, preferred: Sequence[str]) -> tuple[str, ...] | None:
        """Choose GPUs: unused ones, or for a share the fullest one with enough capacity left."""
        count = math.ceil(amount)
        needed = min(amount, Fraction(1))
        names = [name for name, free in self.gpus.items() if free >= needed]
        names.sort(key=lambda name: (name not in preferred, self.gpus[name]))
        return tuple(names[:count]) if count <= len(names) else None

    def add(self, allocation: Allocation, sign: int) -> None:
        """Subtract a job's allocation (-1), or return it (1)."""
        self.cpus += sign * _exact(allocation.resources.cpus)
        self.memory += sign * allocation.resources.memory
        share = min(_exact(allocation.resources.gpus), Fraction(1))
        for name in allocation.gpus:
            self.gpus[name] += sign * share

    def __copy__(self) -> _Free:
        return replace(self, gpus=dict(self.gpus))


@dataclass(eq=False)
class _Ticket:
    """A job that waits for its claim."""

    claim: Resources
    preferred: Sequence[str]
    allocation: Allocation | None = None


@dataclass(eq=False)
class ResourceBroker:
    """Grants jobs' claims as soon as they can be met, first come, first served.

    A job may overtake earlier ones only with resources that they do not wait for, so none starves.
    """

    placement: Placement[Any]
    _changed: Condition = field(default_factory=Condition)
    _queue: list[_Ticket] = field(default_factory=list)

    @contextmanager
    def claim(
        self, claim: Resources, check: Callable[[], None], preferred: Sequence[str] = ()
    ) -> Iterator[Allocation]:
        """Wait until the claim can be met, and hold it while the block runs.

        :param check: called while it waits; what it raises ends the waiting
        :param preferred: GPUs to choose first, if they are free
        :raises RequestError: if the machine does not have that much
        """
        problems = self.problems(claim)
        if problems:
            raise RequestError("; ".join(problems.values()))
        ticket = _Ticket(claim, preferred)
        try:
            allocation = self._wait(ticket, check)
            yield allocation
        finally:
            self._end(ticket)

    def problems(self, claim: Resources) -> dict[str, str]:
        """Describe, by key, which parts of a claim the machine could never meet."""
        owner, capacity = self.placement.label, self._capacity
        problems: dict[str, str] = {}
        if claim.cpus > capacity.cpus:
            problems["cpus"] = f"asks for {claim.cpus:g} CPUs, {owner} has {capacity.cpus:g}"
        if claim.gpus > 0 and claim.gpus > len(self._gpus):
            noun = "GPU" if claim.gpus == 1 else "GPUs"
            problems["gpus"] = f"asks for {claim.gpus:g} {noun}, {owner} has {len(self._gpus)}"
        if claim.memory > capacity.memory:
            sizes = size_text(claim.memory, binary=True), size_text(capacity.memory, binary=True)
            problems["memory"] = f"asks for {sizes[0]} of memory, {owner} has {sizes[1]}"
        return problems

    def limit(self, default: Resources) -> Resources:
        """Limit a component's default to what the machine has."""
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

    def _wait(self, ticket: _Ticket, check: Callable[[], None]) -> Allocation:
        with self._changed:
            if ticket.claim.gpus and not self._free.gpus:  # the first job that wants one
                self._free.gpus = dict.fromkeys(self._gpus, Fraction(1))
            self._queue.append(ticket)
            self._grant()
            while ticket.allocation is None:
                check()
                self._changed.wait(WAIT_SECONDS)
            return ticket.allocation

    def _end(self, ticket: _Ticket) -> None:
        with self._changed:
            if ticket.allocation is not None:
                self._free.add(ticket.allocation, 1)
            elif ticket in self._queue:
                self._queue.remove(ticket)
            self._grant()

    def _grant(self) -> None:
        """Grant free resources to the waiting jobs, in order."""
        rest = copy(self._free)
        for ticket in tuple(self._queue):
            allocation = rest.take(ticket.claim, ticket.preferred)
            if allocation is None:
                rest.reserve(ticket.claim)
                continue
            self._free.add(allocation, -1)
            ticket.allocation = allocation
            self._queue.remove(ticket)
        self._changed.notify_all()


_BROKERS: WeakValueDictionary[tuple[type, str | None], ResourceBroker] = WeakValueDictionary()
_GUARD = Lock()


def broker_of(placement: Placement[Any]) -> ResourceBroker:
    """Return the broker of a placement, shared by the concurrent sessions of this process."""
    key = type(placement), placement.config.address
    with _GUARD:
        broker = _BROKERS.get(key)
        if broker is None:
            broker = _BROKERS[key] = ResourceBroker(placement)
        return broker


def _exact(number: float) -> Fraction:
    return Fraction(number).limit_denominator(DENOMINATOR)
