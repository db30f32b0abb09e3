"""How a run ended, or whether it is still running."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djsb.store.records import RunRecord


def status_of(run: RunRecord) -> str:
    """Return a run's status; ``killed`` if its process is gone without an end."""
    if run.status != "running":
        return run.status
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return "killed"
    except PermissionError:
        pass  # it is alive, and belongs to another user
    return "running"
