"""djsb: a lab for developing data and models together; this is its Python API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djsb.lab.notebook import RecordedRun, open_run, runs
    from djsb.lab.script import SandboxWatcher

__version__ = "0.1.0"

__all__ = ["RecordedRun", "SandboxWatcher", "open_run", "runs"]

_MODULES = {
    "RecordedRun": "djsb.lab.notebook",
    "SandboxWatcher": "djsb.lab.script",
    "open_run": "djsb.lab.notebook",
    "runs": "djsb.lab.notebook",
}


def __getattr__(name: str) -> object:
    """Import a part of the API when it is asked for: ``import djsb`` alone is quick."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
