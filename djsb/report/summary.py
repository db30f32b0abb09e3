"""The summary of a run: its jobs, and what changed from before to after."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING

from djsb.evidence.changes import changes_of
from djsb.query.doubts import warnings_of
from djsb.query.facts import last_iteration
from djsb.report.dropped import lost_text
from djsb.report.format import duration, number, shell_path, table
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from djsb.evidence.changes import Change
    from djsb.evidence.contrast import Contrast
    from djsb.store.records import JobRecord, RunRecord, TargetRecord
    from djsb.store.store import Store


def summarize(store: Store, run_id: str) -> str:
    """Format the closing summary of a run."""
    run, jobs = store.run(run_id), store.jobs(run_id)
    reused = sum(job.status == "cached" for job in jobs)
    cached = f", {reused} of {counted(len(jobs), 'job')} from the cache" if reused else ""
    which = f"{run.id} {shell_path(store.work_dir)}"
    end = (
        f"Run {run.id} {run.status} in {duration(run.seconds)}{cached}. "
        f"More: djsb show {which}; as a page: djsb report {which}"
    )
    return "\n" + "\n\n".join([jobs_table(jobs), *results(store, run, jobs), end])


def results(store: Store, run: RunRecord, jobs: Sequence[JobRecord]) -> Iterator[str]:
    """Format the results of a run: its targets, and what changed from before to after."""
    lost = lost_text(store, run.id, jobs)
    if lost:
        command = shlex.join(["djsb", "show", run.id, str(store.work_dir), "--dropped"])
        yield f"{lost}\n\nAll of them: {command}"
    targets = store.targets(run.id)
    if targets:
        yield "Targets\n\n" + targets_table(targets)
    if run.reason and run.status == "finished":
        yield f"Stopped: {run.reason}."
    if run.reason and run.status == "failed" and not any(job.error for job in jobs):
        yield f"Failed: {run.reason}"
    warnings = [(job.meta_name, text) for job in jobs for text in warnings_of(store, job)]
    if warnings:
        yield "\n".join(f"Warning of {name}: {text}" for name, text in dict.fromkeys(warnings))
    last = max((job.iteration for job in jobs), default=1)
    changes = list(changes_of(store, last_iteration(jobs)))
    if changes:
        title = "Before → after" if last == 1 else f"Before → after, iteration {last}"
        yield f"{title}\n\n" + changes_table(changes)


def jobs_table(jobs: Sequence[JobRecord]) -> str:
    """List jobs with status and time, and with iteration and pipeline if there are several."""
    columns: list[tuple[str, Callable[[JobRecord], object]]] = [
        ("", lambda job: job.position + 1),
        ("stage", lambda job: job.stage),
        ("job", lambda job: job.meta_name),
        ("component", lambda job: job.component or job.hook),
        ("status", lambda job: job.status),
        ("time", lambda job: duration(job.seconds)),
    ]
    if len({job.pipeline for job in jobs}) > 1:
        columns.insert(1, ("pipeline", lambda job: job.pipeline))
    if len({job.iteration for job in jobs}) > 1:
        columns.insert(0, ("iter", lambda job: job.iteration))
    headers = [header for header, _ in columns]
    rows = [[cell(job) for _, cell in columns] for job in jobs]
    numeric = [i for i, header in enumerate(headers) if header in ("", "iter", "time")]
    return table(rows, headers, right=numeric)


def targets_table(targets: Sequence[TargetRecord]) -> str:
    """List what each iteration measured for each target."""
    iterations = sorted({record.iteration for record in targets})
    rows = []
    for text in dict.fromkeys(record.target for record in targets):
        measured = {record.iteration: record for record in targets if record.target == text}
        values = [number(measured[i].value) if i in measured else "" for i in iterations]
        met = "met" if measured[max(measured)].met else "not met"
        rows.append([text, *values, met])
    headers = ["target", *(f"iter {i}" for i in iterations), ""]
    return table(rows, headers, right=range(1, len(iterations) + 1))


def changes_table(changes: Iterable[Change]) -> str:
    """Format what changed from before to after as a table."""
    changes = list(changes)
    several = len({change.pipeline for change in changes}) > 1
    rows = [
        (
            f"{change.pipeline}: {_jobs(change)}" if several else _jobs(change),
            change.contrast.metric,
            _mean(change.contrast.old, change.contrast.errors[0]),
            _mean(change.contrast.new, change.contrast.errors[1]),
            _difference(change.contrast),
            change.contrast.verdict,
        )
        for change in changes
    ]
    headers = ("jobs", "metric", "before", "after", "difference", "")
    return table(rows, headers, right=(2, 3, 4))


def _mean(value: float, error: float | None) -> str:
    """Format a value; a mean over seeds with its standard error."""
    return f"{number(value)} ± {error:.2g}" if error else number(value)


def _jobs(change: Change) -> str:
    before, after = change.before, change.after
    names = before if before == after else f"{before} → {after}"
    counts = dict.fromkeys(change.contrast.replicates)
    if max(counts) == 1:
        return names
    return f"{names} ({' and '.join(map(str, counts))} seeds)"


def _difference(contrast: Contrast) -> str:
    gap = contrast.difference
    if gap.estimate == 0 or not math.isfinite(gap.estimate):
        return number(gap.estimate)
    sign = "+" if gap.estimate > 0 else "-"
    text = f"{sign}{number(abs(gap.estimate))}"
    if gap.standard_error is not None:
        return f"{text} ± {gap.standard_error:.2g}"
    if contrast.relative is not None:
        text += f" ({contrast.relative:+.1%})"
    return text


CHANGE_HEADERS = (
    "pipeline", "before", "after", "metric", "first", "value", "difference", "relative",
    "standard_error", "low", "high", "method", "verdict",
)  # fmt: skip


def change_rows(changes: Iterable[Change]) -> Iterator[list[object]]:
    """Yield one row per change, under :data:`CHANGE_HEADERS`."""
    for change in changes:
        contrast, gap = change.contrast, change.contrast.difference
        yield [
            change.pipeline, change.before, change.after, contrast.metric, contrast.old,
            contrast.new, gap.estimate, contrast.relative, gap.standard_error, gap.low, gap.high,
            gap.method, contrast.verdict.value,
        ]  # fmt: skip
