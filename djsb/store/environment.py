"""The experiment of a run and its environment, as files in its folder."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from djsb_core.text import json_text
from djsb_core.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb_core.access import Access

EXPERIMENT, FILE = "experiment.json", "environment.json"
"""The experiment with overrides applied, which can be run again; and the facts of a run."""


def write_experiment(folder: Path, settings: object, access: Access) -> None:
    """Write the settings of a run into its folder, atomically."""
    write_whole(folder / EXPERIMENT, f"{json_text(settings, indent=2)}\n", access=access)


def write_environment(folder: Path, facts: Mapping[str, Any], access: Access | None = None) -> None:
    """Write the facts of a run into its folder, atomically."""
    write_whole(folder / FILE, f"{json_text(facts, indent=2)}\n", access=access)


def read_environment(folder: Path) -> dict[str, Any]:
    """Read the facts of a run; empty if there are none, as for runs of early versions."""
    with suppress(OSError, ValueError, RecursionError):
        facts = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) else {}
    return {}
