"""What all jobs of a run share."""

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
    """One run: its plan, where it is recorded, what it works with."""

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
        """Knows the secrets of the experiment and of the environment."""
        return self.recorder.masker

    def tell(self, moment: str, **arguments: object) -> None:
        """Tell the listeners of a moment."""
        self.recorder.tell(moment, **arguments)
