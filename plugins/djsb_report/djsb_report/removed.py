"""Which step of a job dropped a row of its dataset, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from djsb.records import ComponentError, dropped_of
from djsb_core.api import DropReason

if TYPE_CHECKING:
    from pathlib import Path

    from djsb.records import JobRecord, Store
    from djsb_core.api import DropLog


@dataclass(frozen=True)
class Removed:
    """What removed a row."""

    step: str
    reason: str
    """Empty if unknown."""


def read_removed(store: Store, job: JobRecord, dataset: Path, rows: int) -> dict[int, Removed]:
    """Read what removed the rows at the beginning of a file.

    :param dataset: one of the job's input files
    :param rows: number of rows that are looked at
    :return: by the row's number in the file, from 0; empty if the job did not report it
    """
    try:
        log = dropped_of(store, job)
        start = None if log is None else _start(log, dataset)
        if log is None or start is None:
            return {}
        removed: dict[int, Removed] = {}
        for entry in log.rows():
            row = entry.row - start
            if not 0 <= row < rows or row in removed:
                continue
            step = log.steps[entry.step]
            reason = entry.error or step.explain(entry.values)
            if step.reason is DropReason.DUPLICATE and entry.partner is not None:
                reason = f"like row {log.place(entry.partner)[1]:,}"
            removed[row] = Removed(step.name, reason)
    except ComponentError:
        return {}
    return removed


def _start(log: DropLog, dataset: Path) -> int | None:
    """Return how many rows of other files precede those of a file."""
    start = 0
    for file, rows in log.files:
        if file == str(dataset) or len(log.files) == 1:
            return start
        start += rows
    return None
