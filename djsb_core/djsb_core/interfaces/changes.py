"""How a refinement's changes are recorded among a job's metrics, and read back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from djsb_core.interfaces.data import BoundSide, Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from djsb_core.interfaces.component import Watcher

PREFIX = "refined"
NEW = re.compile(rf"(?P<name>{PREFIX}\.(?P<operator>.+)\.(?P<argument>[^.]+))\.new")


def watch_changes(watcher: Watcher, changes: Iterable[Change]) -> None:
    """Record each change as ``refined.<operator>.<argument>``: what it was, and what it bounds."""
    for change in changes:
        known = {
            "old": change.old,
            "new": change.new,
            "statistic": change.statistic,
            "side": change.side and change.side.value,
        }
        told = {key: value for key, value in known.items() if value is not None}
        watcher.watch(told, f"{PREFIX}.{change.operator}.{change.argument}")


def read_changes(metrics: Mapping[str, float | str]) -> list[Change]:
    """Return the changes that a job has recorded, in their order."""
    return [
        Change(
            found["operator"],
            found["argument"],
            _number(metrics.get(f"{found['name']}.old")),
            new,
            _text(metrics.get(f"{found['name']}.statistic")),
            _side(metrics.get(f"{found['name']}.side")),
        )
        for name, new in metrics.items()
        if (found := NEW.fullmatch(name)) and isinstance(new, int | float)
    ]


def _number(value: float | str | None) -> float | None:
    return value if isinstance(value, int | float) else None


def _text(value: float | str | None) -> str | None:
    return value if isinstance(value, str) else None


def _side(value: float | str | None) -> BoundSide | None:
    return BoundSide(value) if value in {one.value for one in BoundSide} else None
