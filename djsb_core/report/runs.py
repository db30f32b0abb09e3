"""Recorded runs as tables, text and JSON."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from djsb_core.report.format import duration, number, table
from djsb_core.report.summary import changes_of, changes_table, jobs_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from djsb_core.store.records import JobRecord, RunRecord
    from djsb_core.store.store import Store


def runs_table(runs: Sequence[RunRecord]) -> str:
    """List runs, the newest first."""
    if not runs:
        return "No runs yet."
    rows = [
        (
            run.id,
            f"{run.project_name} / {run.experiment_name}",
            status_of(run),
            _date(run.started),
            duration(run.seconds),
        )
        for run in runs
    ]
    return table(rows, ("run", "experiment", "status", "started", "time"), right=(4,))


def run_text(store: Store, run: RunRecord) -> str:
    """Describe one run: jobs, what changed, the last value of each metric, outputs, errors."""
    jobs = store.jobs(run.id)
    head = (
        f"Run {run.id} of {run.experiment}: {status_of(run)}\n"
        f"{run.project_name} / {run.experiment_name}, started {_date(run.started)}, "
        f"{duration(run.seconds) or 'not ended'}\nfolder: {run.folder}"
    )
    parts = [head, jobs_table(jobs)]
    changes = list(changes_of(store, jobs))
    if changes:
        parts.append("Before → after\n\n" + changes_table(changes))
    parts += [text for job in jobs if (text := "\n".join(_describe(store, job)))]
    return "\n\n".join(parts)


def run_json(store: Store, run: RunRecord) -> dict[str, Any]:
    """Describe one run for scripts."""
    return {
        "id": run.id,
        "project_name": run.project_name,
        "experiment_name": run.experiment_name,
        "experiment": run.experiment,
        "status": status_of(run),
        "started": run.started,
        "seconds": run.seconds,
        "folder": str(run.folder),
        "jobs": [_job_json(store, job) for job in store.jobs(run.id)],
    }


def _job_json(store: Store, job: JobRecord) -> dict[str, Any]:
    keys = ("pipeline", "iteration", "stage", "position", "meta_name", "hook", "component")
    more = ("package", "status", "fingerprint", "outputs", "error", "started", "seconds")
    return {
        **{key: getattr(job, key) for key in keys + more},
        "folder": str(job.folder),
        "metrics": store.metrics(job.id),
    }


def _describe(store: Store, job: JobRecord) -> Iterator[str]:
    metrics = store.metrics(job.id)
    if not (metrics or job.outputs or job.error):
        return
    yield f"{job.meta_name} ({job.component or job.hook})"
    if job.error:
        yield f"  error: {job.error}\n  log: {job.folder / 'log.txt'}"
    for name, value in job.outputs.items():
        shown = "; ".join(map(str, value)) if isinstance(value, list) else value
        if not isinstance(value, dict):
            yield f"  → {name}: {shown}"
    width = max((len(name) for name in metrics), default=0)
    for name, metric in metrics.items():
        yield f"  {name:<{width}}  {number(metric)}"


def status_of(run: RunRecord) -> str:
    """Tell a run that goes on from one whose process was killed."""
    if run.status != "running":
        return run.status
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return "killed"
    except PermissionError:
        pass  # it lives, and belongs to someone else
    return "running"


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
