"""What all jobs of a run share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from djsb_core.discovery import notify
from djsb_core.masking import Masker

if TYPE_CHECKING:
    import pluggy

    from djsb.cache.cache import Cache
    from djsb.placement.pool import ExecutorPool
    from djsb.planner.planned import Plan
    from djsb.runner.options import RunOptions
    from djsb.runner.places import Places
    from djsb.store.records import RunRecord
    from djsb.store.store import Store


@dataclass(frozen=True)
class RunState:
    """One run: its plan, where it is recorded, what it works with."""

    plan: Plan
    options: RunOptions
    record: RunRecord
    store: Store
    cache: Cache
    pool: ExecutorPool
    places: Places
    listeners: pluggy.PluginManager
    masker: Masker = field(default_factory=Masker)
    """Knows the secrets of the experiment and of the environment."""
    _telling: threading.RLock = field(default_factory=threading.RLock)

    def tell(self, moment: str, **arguments: object) -> None:
        """Tell the listeners of a moment; pipelines that run side by side take turns."""
        with self._telling:
            notify(self.listeners, moment, **arguments)
