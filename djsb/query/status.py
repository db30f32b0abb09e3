"""How a run ended, or whether it goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djsb.store.records import RunRecord


def status_of(run: RunRecord) -> str:
    """Tell a run that goes on from one whose process was killed."""
    if run.status != "running":
        return run.status
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return "killed"
    except PermissionError:
        pass  # it lives, and belongs to someone else
    return "running"
