"""An interpreter that jobs can run in, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Interpreter:
    """The Python of an isolated environment, and what it is started with."""

    python: Path
    importable: Path
    """Folder with djsb and the component's package, nothing else: its only ``PYTHONPATH``."""
    label: str
    """The environment in words, for messages."""
    remedy: str = ""
    """What to do about a module that is missing there."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What activation would set, ``PATH`` for instance."""
