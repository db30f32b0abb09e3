"""djsb: a lab for developing data and models together; this is its Python API."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from djsb.config.experiment import Experiment
    from djsb.lab.events import Event, EventKind
    from djsb.lab.experiments import plan, run, validate
    from djsb.lab.recorded import Run, open_run, runs
    from djsb.lab.script import SandboxWatcher
    from djsb.planner.planned import Plan
    from djsb.runner.session import Session
    from djsb_core.problems import Problem

__version__ = "0.1.0"

__all__ = [
    "Event",
    "EventKind",
    "Experiment",
    "Plan",
    "Problem",
    "Run",
    "SandboxWatcher",
    "Session",
    "open_run",
    "plan",
    "run",
    "runs",
    "validate",
]

_MODULES = {
    "Event": "djsb.lab.events",
    "EventKind": "djsb.lab.events",
    "Experiment": "djsb.config.experiment",
    "Plan": "djsb.planner.planned",
    "Problem": "djsb_core.problems",
    "Run": "djsb.lab.recorded",
    "SandboxWatcher": "djsb.lab.script",
    "Session": "djsb.runner.session",
    "open_run": "djsb.lab.recorded",
    "plan": "djsb.lab.experiments",
    "run": "djsb.lab.experiments",
    "runs": "djsb.lab.recorded",
    "validate": "djsb.lab.experiments",
}


def __getattr__(name: str) -> object:
    """Import a part of the API when it is asked for: ``import djsb`` alone is quick."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def __dir__() -> list[str]:
    """Name the parts that are not imported yet, too: notebooks complete them."""
    return sorted([*globals(), *__all__])
