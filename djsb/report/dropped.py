"""The rows that a job removed: how many at each step, and which."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.query.dropped import dropped_of, losses_of
from djsb.query.facts import job_names
from djsb.report.format import table
from djsb_core.errors import ComponentError, RequestError, suggest
from djsb_core.interfaces.dropped import DropReason
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb.store.records import JobRecord, RunRecord
    from djsb.store.store import Store
    from djsb_core.interfaces.dropped import DropLog, DroppedRow

FEW = 3
"""Lost rows shown of a job."""

MOST = 20
"""Rows listed by default."""


def dropped_text(
    store: Store, run: RunRecord, jobs: Sequence[JobRecord], step: str, limit: int | None
) -> str:
    """List the rows that jobs removed, with the step that removed each, and why.

    :param step: list only what this step removed; empty: all
    :param limit: number of rows listed per job
    :raises RequestError: if none of the jobs has such a step, or none reported removed rows
    """
    logs = _logs(store, run, jobs, step)
    most = MOST if limit is None else limit
    texts = ["\n".join(_job(name, log, wanted, most)) for name, log, wanted in logs]
    return "\n\n".join(texts)


def dropped_json(
    store: Store, run: RunRecord, jobs: Sequence[JobRecord], step: str, limit: int | None
) -> list[dict[str, Any]]:
    """Return the same as JSON; by default, all rows."""
    return [
        {
            "job": name,
            "files": [{"path": path, "rows": rows} for path, rows in log.files],
            "steps": [
                {"name": step.name, "reason": str(step.reason), "rows": step.count}
                for position, step in enumerate(log.steps)
                if position in wanted
            ],
            "rows": [_row_json(log, row) for row in islice(log.rows(wanted), limit)],
        }
        for name, log, wanted in _logs(store, run, jobs, step)
    ]


def lost_text(store: Store, run_id: str, jobs: Sequence[JobRecord]) -> str:
    """Say what the jobs of a run lost without intention, with a few examples; empty if nothing."""
    results, names = store.results(run_id), job_names(jobs)
    lines: list[str] = []
    for job in jobs:
        losses = losses_of(job, results.get(job.id, {}))
        lines.extend(f"  {names[job.id]}: {loss}" for loss in losses)
        lines.extend(f"    {example}" for example in (examples(store, job) if losses else ()))
    return "\n".join(["Lost rows\n", *lines]) if lines else ""


def examples(store: Store, job: JobRecord) -> list[str]:
    """Name a few of the rows that a job lost."""
    try:
        log = dropped_of(store, job)
        if log is None:
            return []
        lost = [position for position, step in enumerate(log.steps) if step.reason.is_loss]
        rows = list(islice(log.rows(lost), FEW)) if lost else []
    except ComponentError as error:
        return [str(error)]
    texts = [
        f"{_place(log, row.row)}: {log.steps[row.step].name}"
        + (f": {row.error}" if row.error else "")
        for row in rows
    ]
    return [*texts, f"and {log.lost - len(texts):,} more"] if log.lost > len(texts) else texts


def _logs(
    store: Store, run: RunRecord, jobs: Sequence[JobRecord], step: str
) -> list[tuple[str, DropLog, list[int]]]:
    """Return the reports of jobs, each with the positions of the wanted steps."""
    names = job_names(store.jobs(run.id))
    reports = [(names[job.id], dropped_of(store, job)) for job in jobs]
    logs = [(name, log) for name, log in reports if log is not None]
    if not logs:
        listed = ", ".join(name for name, _ in reports)
        raise RequestError(f"no job removed rows, or said which: {listed}")
    steps = {entry.name for _, log in logs for entry in log.steps}
    if step and step not in steps:
        raise RequestError(f"no step '{step}' removed rows; {suggest(step, sorted(steps))}")
    return [
        (name, log, wanted)
        for name, log in logs
        if (wanted := [i for i, entry in enumerate(log.steps) if step in ("", entry.name)])
    ]


def _job(name: str, log: DropLog, wanted: Sequence[int], limit: int) -> Iterator[str]:
    steps = [log.steps[position] for position in wanted]
    total = sum(step.count for step in steps)
    yield f"{name}: {counted(total, 'row')} removed\n"
    rows = [[step.name, step.reason, f"{step.count:,}"] for step in steps]
    yield table(rows, ["step", "", "rows"], right=[2])
    if len(log.files) == 1:
        yield f"\nRows of {log.files[0][0]}:\n"
    else:
        yield ""
    listed = list(islice(log.rows(wanted), limit))
    cells = [[*_cells(log, row), log.steps[row.step].name, _why(log, row)] for row in listed]
    places = ["file", "row"] if len(log.files) > 1 else ["row"]
    yield table(cells, [*places, "step", "why"], right=[len(places) - 1])
    if len(listed) < total:
        yield f"\n{len(listed):,} of {total:,} rows are listed; more: --limit {total}"


def _cells(log: DropLog, row: DroppedRow) -> list[str]:
    file, number = log.place(row.row)
    shown = f"{number:,}" if row.row >= 0 else "?"
    return [_short(file), shown] if len(log.files) > 1 else [shown]


def _why(log: DropLog, row: DroppedRow) -> str:
    step = log.steps[row.step]
    if row.error:
        return row.error
    if step.reason is DropReason.DUPLICATE and row.partner is not None:
        return f"like {_place(log, row.partner) if len(log.files) > 1 else _number(log, row)}"
    return step.explain(row.values)


def _number(log: DropLog, row: DroppedRow) -> str:
    return f"row {log.place(row.partner or 0)[1]:,}"


def _place(log: DropLog, row: int) -> str:
    if row < 0:
        return "an unknown row"
    file, number = log.place(row)
    return f"{_short(file)}, row {number:,}" if file else f"row {number:,}"


def _short(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else file


def _row_json(log: DropLog, row: DroppedRow) -> Mapping[str, Any]:
    step = log.steps[row.step]
    file, number = log.place(row.row)
    known = row.row >= 0
    entry: dict[str, Any] = {
        "file": file or None,
        "row": number if known else None,
        "step": step.name,
        "reason": str(step.reason),
        "why": step.explain(row.values) or None,
    }
    if row.values:
        entry["values"] = dict(row.values)
    if row.partner is not None:
        partner = log.place(row.partner)
        entry["partner"] = {"file": partner[0] or None, "row": partner[1]}
    if row.error:
        entry["error"] = row.error
    return entry
