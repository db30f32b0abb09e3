"""Record the changes of a refinement among the metrics of its job, and read them back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from djsb_core.interfaces.bounds import BoundSide
from djsb_core.interfaces.data import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from djsb_core.interfaces.component import Watcher

PREFIX = "refined"
NEW = re.compile(rf"(?P<name>{PREFIX}\.(?P<operator>.+)\.(?P<argument>[^.]+))\.new")


def watch_changes(watcher: Watcher, changes: Iterable[Change]) -> None:
    """Record each change as ``refined.<operator>.<argument>``: its values, and what it bounds."""
    for change in changes:
        fields = {
            "old": change.old,
            "new": change.new,
            "statistic": change.statistic,
            "side": change.side and change.side.value,
        }
        values = {key: value for key, value in fields.items() if value is not None}
        watcher.watch(values, f"{PREFIX}.{change.operator}.{change.argument}")


def read_changes(metrics: Mapping[str, float | str]) -> list[Change]:
    """Return the changes that a job has recorded, in order."""
    return [
        Change(
            match["operator"],
            match["argument"],
            _number(metrics.get(f"{match['name']}.old")),
            new,
            _text(metrics.get(f"{match['name']}.statistic")),
            _side(metrics.get(f"{match['name']}.side")),
        )
        for name, new in metrics.items()
        if (match := NEW.fullmatch(name)) and isinstance(new, int | float)
    ]


def _number(value: float | str | None) -> float | None:
    return value if isinstance(value, int | float) else None


def _text(value: float | str | None) -> str | None:
    return value if isinstance(value, str) else None


def _side(value: float | str | None) -> BoundSide | None:
    return BoundSide(value) if value in {side.value for side in BoundSide} else None
