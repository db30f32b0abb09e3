"""Recorded runs as tables, text and JSON."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from djsb_core.report.format import date, duration, number, table
from djsb_core.report.summary import jobs_table, results
from djsb_core.store.records import LOG

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
            date(run.started),
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
        f"{run.project_name} / {run.experiment_name}, started {date(run.started)}, "
        f"{duration(run.seconds) or 'not ended'}\nfolder: {run.folder}"
    )
    parts = [head, jobs_table(jobs), *results(store, run, jobs)]
    names = _full_names(jobs)
    parts += [text for job in jobs if (text := "\n".join(_describe(store, job, names[job.id])))]
    return "\n\n".join(parts)


def run_json(store: Store, run: RunRecord) -> dict[str, Any]:
    """Describe one run for scripts."""
    return {
        "id": run.id,
        "project_name": run.project_name,
        "experiment_name": run.experiment_name,
        "experiment": run.experiment,
        "status": status_of(run),
        "reason": run.reason,
        "started": run.started,
        "seconds": run.seconds,
        "folder": str(run.folder),
        "targets": [asdict(target) for target in store.targets(run.id)],
        "jobs": [_job_json(store, job) for job in store.jobs(run.id)],
    }


def _job_json(store: Store, job: JobRecord) -> dict[str, Any]:
    keys = ("pipeline", "iteration", "stage", "position", "meta_name", "hook", "component")
    more = ("package", "status", "fingerprint", "source_run", "error", "started", "seconds")
    return {
        **{key: getattr(job, key) for key in keys + more},
        "outputs": job.named_outputs,
        "folder": str(job.folder),
        "files": str(job.files) if job.files else None,
        "metrics": store.metrics(job.id),
    }


def _full_names(jobs: Sequence[JobRecord]) -> dict[int, str]:
    """Name each job, with pipeline and iteration where there are several."""
    pipelines = len({job.pipeline for job in jobs}) > 1
    iterations = len({job.iteration for job in jobs}) > 1
    return {
        job.id: f"{f'iter {job.iteration}: ' if iterations else ''}"
        f"{f'{job.pipeline}.' if pipelines else ''}{job.meta_name}"
        for job in jobs
    }


def _describe(store: Store, job: JobRecord, name: str) -> Iterator[str]:
    metrics = store.metrics(job.id)
    if not (metrics or job.outputs or job.error):
        return
    yield f"{name} ({job.component or job.hook})"
    if job.error:
        yield f"  error: {job.error}\n  log: {job.folder / LOG}"
    for output, value in job.named_outputs.items():
        shown = "; ".join(map(str, value)) if isinstance(value, list) else value
        if not isinstance(value, dict):
            yield f"  → {output}: {shown}"
    width = max((len(metric) for metric in metrics), default=0)
    for metric, measured in metrics.items():
        yield f"  {metric:<{width}}  {number(measured)}"


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
