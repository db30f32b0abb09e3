"""State shared by all jobs of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djsb.cache.cache import Cache
    from djsb.placement.interrupt import Interrupt
    from djsb.placement.pool import ExecutorPool
    from djsb.planner.planned import Plan
    from djsb.runner.options import RunOptions
    from djsb.runner.places import Places
    from djsb.runner.recorder import RunRecorder
    from djsb.store.store import Store
    from djsb_core.masking import Masker


@dataclass(frozen=True)
class RunState:
    """One run: its plan, its record and its resources."""

    plan: Plan
    options: RunOptions
    workers: int
    recorder: RunRecorder
    cache: Cache
    pool: ExecutorPool
    places: Places
    interrupt: Interrupt

    @property
    def store(self) -> Store:
        """Where the run is recorded."""
        return self.recorder.store

    @property
    def masker(self) -> Masker:
        """Masks the secrets of the experiment and of the environment."""
        return self.recorder.masker

    def notify(self, moment: str, **arguments: object) -> None:
        """Notify the listeners of an event."""
        self.recorder.notify(moment, **arguments)
