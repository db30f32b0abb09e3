"""The environment of a run, as a file in its folder."""

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

FILE = "environment.json"


def write_environment(folder: Path, facts: Mapping[str, Any], access: Access | None = None) -> None:
    """Write the facts of a run into its folder, atomically."""
    write_whole(folder / FILE, f"{json_text(facts, indent=2)}\n", access=access)


def read_environment(folder: Path) -> dict[str, Any]:
    """Read the facts of a run; empty if there are none, as for runs of early versions."""
    with suppress(OSError, ValueError):
        facts = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return facts if isinstance(facts, dict) else {}
    return {}
