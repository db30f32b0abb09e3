"""The record of a stored environment: its ``DONE.json``."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb_core.api import DONE, Masker, read_object, size_of, write_object

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_core.api import WantedEnvironment

DIGITS = 16
"""Number of digits of a key in folder names."""

KEY = re.compile(f"[0-9a-f]{{{DIGITS}}}")
TEXTS = ("attempt", "label", "manager", "python", "interpreter")


@dataclass(frozen=True)
class Leftover:
    """A folder left by a killed build."""

    folder: Path
    size: int
    """Bytes of its files."""


@dataclass(frozen=True)
class KeptEnvironment:
    """One complete environment."""

    key: str
    """The first 16 digits."""
    folder: Path
    label: str
    manager: str
    python: str
    """Version of Python."""
    interpreter: Path
    requirements: tuple[str, ...]
    created: float
    """Seconds since the epoch; so is ``used``."""
    used: float

    @property
    def size(self) -> int:
        """Bytes of its files; hard links count once, including those to a manager's cache."""
        return size_of(self.folder)[0]


def write_record(wanted: WantedEnvironment, folder: Path, version: str) -> None:
    """Write the record that completes an environment.

    :param folder: folder of the attempt
    :param version: version of its Python
    """
    record = {
        "attempt": folder.name,
        "label": wanted.label,
        "manager": wanted.manager,
        "python": version,
        "interpreter": str(wanted.environment.python(folder).relative_to(folder)),
        "requirements": Masker.of(None).value(list(wanted.requirements)),
        "key": wanted.key,
        "created": time.time(),
    }
    write_object(folder.parent / DONE, record, durable=True)


def read_kept(home: Path) -> KeptEnvironment | None:
    """Read the record of an environment; ``None`` if it is incomplete, or its Python is gone."""
    record: Any = read_object(home / DONE)
    if record is None or not all(isinstance(record.get(key), str) for key in TEXTS):
        return None
    requirements, created = record.get("requirements"), record.get("created")
    if not isinstance(requirements, list) or not isinstance(created, int | float):
        return None
    folder = home / record["attempt"]
    interpreter = folder / record["interpreter"]
    if not interpreter.exists():  # in a virtual environment, a link to the base Python
        return None
    try:
        used = (home / DONE).stat().st_mtime
    except FileNotFoundError:  # removed in the meantime
        return None
    return KeptEnvironment(
        key=home.name,
        folder=folder,
        label=record["label"],
        manager=record["manager"],
        python=record["python"],
        interpreter=interpreter,
        requirements=tuple(map(str, requirements)),
        created=created,
        used=used,
    )
