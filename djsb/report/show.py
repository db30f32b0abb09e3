"""One run in full, and one of its jobs in detail."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import yaml

from djsb.query.doubts import warnings_of
from djsb.query.dropped import losses_of
from djsb.query.facts import (
    inputs_of,
    job_names,
    places_of,
    referred,
    shown,
)
from djsb.query.status import status_of
from djsb.report.dropped import examples
from djsb.report.format import date, duration, number, table
from djsb.report.summary import jobs_table, results
from djsb_core.job.reports import LOG
from djsb_core.metrics import Declarations, MetricKind
from djsb_core.text import short_key

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from djsb.store.records import JobRecord, RunRecord
    from djsb.store.store import Store
    from djsb_core.job.reports import Point

UNDECLARED = Declarations()

LATEST = 8
"""Number of iterations whose values are shown side by side."""

LONG = 160
"""Number of characters shown of an output or error."""

FEW = 3
"""Number of items shown of a list."""

TAIL = 20
"""Number of lines shown of a log."""


def run_text(store: Store, run: RunRecord) -> str:
    """Describe one run: jobs, what changed, results and errors, job by job."""
    jobs = store.jobs(run.id)
    started = f"started {date(run.started)}, {duration(run.seconds) or 'not ended'}"
    head = [
        f"Run {run.id} of {run.experiment}: {status_of(run)}",
        f"{run.project_name} / {run.experiment_name}, {started}",
        f"folder: {run.folder}",
    ]
    if run.sweep_name:
        head.append(f"sweep: {run.sweep_name}")
    parts = ["\n".join(head), jobs_table(jobs), *results(store, run, jobs)]
    names = job_names(jobs)
    groups: dict[Hashable, list[JobRecord]] = {}
    for job in jobs:
        groups.setdefault((job.pipeline, job.stage, job.meta_name, job.hook), []).append(job)
    for group in groups.values():
        text = "\n".join(_describe(store, run, group, names[group[0].id]))
        parts += [text] if text else []
    return "\n\n".join(parts)


def run_json(store: Store, run: RunRecord) -> dict[str, Any]:
    """Return one run as JSON."""
    return {
        "id": run.id,
        "project_name": run.project_name,
        "experiment_name": run.experiment_name,
        "experiment": run.experiment,
        "sweep": run.sweep_name,
        "status": status_of(run),
        "reason": run.reason,
        "started": run.started,
        "seconds": run.seconds,
        "folder": str(run.folder),
        "targets": [asdict(target) for target in store.targets(run.id)],
        "jobs": [job_json(store, job) for job in store.jobs(run.id)],
    }


def job_json(store: Store, job: JobRecord) -> dict[str, Any]:
    """Return one job as JSON."""
    keys = ("pipeline", "iteration", "stage", "position", "meta_name", "hook", "component")
    more = ("package", "environment", "status", "fingerprint", "source_run")
    ends = ("error", "started", "seconds")
    metrics = store.metrics(job.id)
    return {
        **{key: getattr(job, key) for key in keys + more + ends},
        "settings": dict(job.settings),
        "outputs": job.named_outputs,
        "folder": str(job.folder),
        "files": str(job.files) if job.files else None,
        "log": str(job.folder / LOG),
        "metrics": metrics,
        "directions": {
            name: higher
            for name in metrics
            if (higher := job.declared(name).higher_is_better) is not None
        },
        "units": {name: unit for name in metrics if (unit := job.declared(name).unit)},
        "artifacts": [
            {
                "name": artifact.name,
                "kind": str(artifact.kind),
                "step": artifact.step,
                "path": str(artifact.path),
            }
            for artifact in store.artifacts(job.id)
        ],
    }


def _describe(store: Store, run: RunRecord, jobs: Sequence[JobRecord], name: str) -> Iterator[str]:
    """Describe one job: its errors, its last outputs, and its metrics in each iteration."""
    last = jobs[-1]
    points = [store.points(job.id) for job in jobs]
    if not (any(points) or last.outputs or any(job.error for job in jobs)):
        return
    yield f"{name} ({last.component or last.hook})"
    for job in jobs:
        if job.error:
            yield f"  error: {_cut(job.error)}\n  log: {job.folder / LOG}"
        yield from (f"  warning: {text}" for text in warnings_of(store, job))
    for output, value in last.named_outputs.items():
        if not isinstance(value, dict):
            yield f"  → {output}: {_output(value, run.folder)}"
    if len(jobs) == 1:
        yield from metrics_lines(points[0], last.declarations)
    elif any(points):
        yield _iterations(jobs, points)


def _iterations(jobs: Sequence[JobRecord], points: Sequence[Sequence[Point]]) -> str:
    """Format the last values of the latest iterations side by side."""
    measured = [{point.name: point.value for point in values} for values in points][-LATEST:]
    names = dict.fromkeys(name for values in measured for name in values)
    rows = [
        [name, *(_cut(number(values[name])) if name in values else "" for values in measured)]
        for name in names
    ]
    headers = ["", *(f"iter {job.iteration}" for job in jobs[-LATEST:])]
    return table(rows, headers, right=range(1, len(headers)))


def _output(value: object, folder: Path) -> str:
    """Format an output; paths inside the run's folder are relative to it."""
    if isinstance(value, list):
        some = "; ".join(_output(item, folder) for item in value[:FEW])
        return some if len(value) <= FEW else f"{some}; and {len(value) - FEW:,} more"
    if isinstance(value, str) and value.startswith("/"):
        return value.removeprefix(f"{folder}/")
    return _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG - 1]}…"


# -- metrics ---------------------------------------------------------------------------------------


def metrics_lines(
    points: Sequence[Point], declarations: Declarations = UNDECLARED
) -> Iterator[str]:
    """List the last value of each metric, with its unit; those with the same parts as a table."""
    series: dict[str, list[Point]] = {}
    for point in points:
        if declarations.find(point.name).kind is not MetricKind.WARNING:
            series.setdefault(point.name, []).append(point)
    tables = _tables(list(series))
    in_tables = {f"{row}.{part}" for parts, rows in tables for row in rows for part in parts}
    alone = [name for name in series if name not in in_tables]
    width = max(map(len, alone), default=0)
    for name in alone:
        yield f"  {name:<{width}}  {_series(series[name], declarations.find(name).unit)}"
    for parts, rows in tables:
        units = [
            _common_unit(declarations.find(f"{row}.{part}").unit for part in parts) for row in rows
        ]
        cells = [
            [row, *(number(series[f"{row}.{part}"][-1].value) for part in parts)] for row in rows
        ]
        headers = ["", *parts]
        if any(units):
            headers.append("")
            cells = [[*row, unit] for row, unit in zip(cells, units, strict=True)]
        yield table(cells, headers, right=range(1, len(parts) + 1))


def _common_unit(units: Iterable[str]) -> str:
    distinct = set(units)
    return distinct.pop() if len(distinct) == 1 else ""


def _series(points: Sequence[Point], unit: str) -> str:
    last = points[-1]
    text = _cut(shown(last.value)) if isinstance(last.value, str) else number(last.value)
    if unit and unit != last.name:
        text = f"{text} {unit}"
    steps = [point for point in points if point.step is not None]
    if len(steps) > 1 and last.step is not None:
        return f"{text} (first of {len(steps):,} values: {number(steps[0].value)})"
    return text


def _tables(names: Sequence[str]) -> list[tuple[tuple[str, ...], list[str]]]:
    """Find the metrics that have the same parts, such as ``text_len.mean`` and ``text_len.std``."""
    parts: dict[str, list[str]] = {}
    for name in names:
        row, _, part = name.rpartition(".")
        if row:
            parts.setdefault(row, []).append(part)
    groups: dict[tuple[str, ...], list[str]] = {}
    for row, row_parts in parts.items():
        groups.setdefault(tuple(row_parts), []).append(row)
    return [(key, rows) for key, rows in groups.items() if len(key) > 1 and len(rows) > 1]


# -- one job ---------------------------------------------------------------------------------------


def job_text(store: Store, run: RunRecord, jobs: Sequence[JobRecord]) -> str:
    """Describe jobs of a run in detail: settings, inputs, metrics, outputs, last log lines."""
    names = job_names(store.jobs(run.id))
    return "\n\n".join("\n".join(_job(store, run, job, names[job.id])) for job in jobs)


def _job(store: Store, run: RunRecord, job: JobRecord, name: str) -> Iterator[str]:
    used = f"{job.hook}: {job.component}" if job.component else job.hook
    which = f", iteration {job.iteration}" if job.iteration > 1 else ""
    yield f"{name} ({job.stage}{which}) of run {run.id}: {job.status}"
    time = f", {duration(job.seconds)}" if job.seconds is not None else ""
    yield f"{used}, {job.package or 'no package'}; started {date(job.started)}{time}"
    if job.environment:
        yield f"environment: {job.environment}"
    if job.source_run:
        yield f"reused from run {job.source_run}"
    if job.fingerprint:
        yield f"key: {short_key(job.fingerprint)}"
    yield f"folder: {job.folder}"
    if job.error:
        yield f"\nerror: {job.error}"
    yield from (f"\nwarning: {text}" for text in warnings_of(store, job))
    jobs = [other for other in store.jobs(run.id) if other.iteration == job.iteration]
    yield from _section("settings", _settings(job, places_of(jobs)))
    inputs = inputs_of(run, job)
    yield from _section("inputs", [f"  {key} ← {source}" for key, source in inputs.items()])
    yield from _section("metrics", list(metrics_lines(store.points(job.id), job.declarations)))
    losses = losses_of(job, store.metrics(job.id))
    lost = [*losses, *examples(store, job)] if losses else []
    yield from _section("lost rows", [f"  {line}" for line in lost])
    outputs = job.named_outputs.items()
    yield from _section(
        "outputs", [f"  → {key}: {_output(value, run.folder)}" for key, value in outputs]
    )
    log = job.folder / LOG
    tail = log_tail(log) if store.readable(log) else []
    yield from _section(f"end of the log ({log})", [f"  {line}" for line in tail])


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"\n{title}"
        yield from lines


def _settings(job: JobRecord, places: Mapping[str, str]) -> list[str]:
    settings = {key: _referred(value, places) for key, value in job.settings.items() if value}
    if not settings:
        return []
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=LONG)
    return [f"  {line}" for line in text.splitlines()]


def _referred(value: Any, places: Mapping[str, str]) -> Any:  # noqa: ANN401 (any setting)
    if isinstance(value, dict):
        return {key: _referred(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_referred(item, places) for item in value]
    return referred(value, places)


def log_tail(path: Path, lines: int = TAIL) -> list[str]:
    """Return the last lines of a log as a terminal would show them; empty if it is missing."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            tail = deque(file, maxlen=lines)
    except OSError:
        return []
    # Progress bars overwrite their line.
    return [line.rstrip("\n").rpartition("\r")[2] for line in tail if line.strip()]
