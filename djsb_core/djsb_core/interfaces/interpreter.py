"""An interpreter that jobs can run in, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Interpreter:
    """The Python of an isolated environment, and how to start it."""

    python: Path
    importable: Path
    """Folder with djsb and the component's package only: its entire ``PYTHONPATH``."""
    label: str
    """Name of the environment, for messages."""
    remedy: str = ""
    """What to do if a module is missing in the environment."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables that activation would set, such as ``PATH``."""
