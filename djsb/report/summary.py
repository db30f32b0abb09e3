"""What a run ends with: its jobs, and what changed from before to after."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from djsb.evidence.compare import Comparison, compare_jobs
from djsb.evidence.seeds import over_seeds
from djsb.query.funnel import read_funnel
from djsb.report.format import duration, number, table
from djsb_core.interfaces.hook import Role
from djsb_core.interfaces.metrics import MetricKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from djsb.store.records import JobRecord, RunRecord, TargetRecord
    from djsb.store.store import Store


def summarize(store: Store, run_id: str) -> str:
    """Write the closing summary of a run."""
    run, jobs = store.run(run_id), store.jobs(run_id)
    reused = sum(job.status == "cached" for job in jobs)
    cached = f", {reused} of {len(jobs)} jobs from the cache" if reused else ""
    which = f"{run.id} {store.work_dir}"
    end = (
        f"Run {run.id} {run.status} in {duration(run.seconds)}{cached}. "
        f"More: djsb show {which}; as a page: djsb report {which}"
    )
    return "\n" + "\n\n".join([jobs_table(jobs), *results(store, run, jobs), end])


def results(store: Store, run: RunRecord, jobs: Sequence[JobRecord]) -> Iterator[str]:
    """Write what a run found: its targets, and what changed from before to after."""
    targets = store.targets(run.id)
    if targets:
        yield "Targets\n\n" + targets_table(targets)
    if run.reason and run.status == "finished":
        yield f"Stopped: {run.reason}."
    if run.reason and run.status == "failed" and not any(job.error for job in jobs):
        yield f"Failed: {run.reason}"
    last = max((job.iteration for job in jobs), default=1)
    changes = list(changes_of(store, [job for job in jobs if job.iteration == last]))
    if changes:
        title = "Before → after" if last == 1 else f"Before → after, iteration {last}"
        yield f"{title}\n\n" + changes_table(changes)


def jobs_table(jobs: Sequence[JobRecord]) -> str:
    """List jobs with status and time; iterations and pipelines where there are several."""
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
    iterations = sorted({one.iteration for one in targets})
    rows = []
    for text in dict.fromkeys(one.target for one in targets):
        measured = {one.iteration: one for one in targets if one.target == text}
        values = [number(measured[i].value) if i in measured else "" for i in iterations]
        met = "met" if measured[max(measured)].met else "not met"
        rows.append([text, *values, met])
    headers = ["target", *(f"iter {i}" for i in iterations), ""]
    return table(rows, headers, right=range(1, len(iterations) + 1))


def changes_of(store: Store, jobs: Sequence[JobRecord]) -> Iterator[Comparison]:
    """Compare what was measured twice, and the rows that processing kept with those given.

    Of a probe's statistics only the means; what did not change is left out, but for the tokens of
    trainings: that they are equal is what makes the models comparable.
    """
    yield from over_seeds(_rows_kept(store, jobs))
    yield from over_seeds(filter(_is_shown, compare_jobs(store, jobs)))


def _rows_kept(store: Store, jobs: Sequence[JobRecord]) -> Iterator[Comparison]:
    for job in jobs:
        funnel = read_funnel(job, store.metrics(job.id))
        if funnel is not None:
            yield Comparison(
                funnel.unit,
                job.meta_name,
                job.meta_name,
                funnel.given,
                funnel.kept,
                role=job.role,
                pipeline=job.pipeline,
            )


def _is_shown(one: Comparison) -> bool:
    kind = one.declared.kind
    if kind is MetricKind.STATISTIC or one.role is Role.TRAIN:
        return one.declared.primary
    return one.difference != 0 and kind not in (MetricKind.DETAIL, MetricKind.ERROR)


def changes_table(changes: Iterable[Comparison]) -> str:
    """Lay comparisons out as a table."""
    changes = list(changes)
    several = len({one.pipeline for one in changes}) > 1
    rows = [
        (
            f"{one.pipeline}: {_jobs(one)}" if several else _jobs(one),
            one.metric,
            _mean(one.old, one.errors and one.errors[0]),
            _mean(one.new, one.errors and one.errors[1]),
            _difference(one),
            one.verdict,
        )
        for one in changes
    ]
    headers = ("jobs", "metric", "before", "after", "difference", "")
    return table(rows, headers, right=(2, 3, 4))


def _mean(value: float, error: float | None) -> str:
    """Write a value; a mean over seeds with its standard error."""
    return f"{number(value)} ± {error:.2g}" if error else number(value)


def _jobs(one: Comparison) -> str:
    names = one.before if one.before == one.after else f"{one.before} → {one.after}"
    return f"{names} ({one.seeds} seeds)" if one.seeds > 1 else names


def _difference(one: Comparison) -> str:
    if one.difference == 0 or not math.isfinite(one.difference):
        return number(one.difference)
    sign = "+" if one.difference > 0 else "-"
    text = f"{sign}{number(abs(one.difference))}"
    if one.standard_error is not None:
        return f"{text} ± {one.standard_error:.2g}"
    if one.old:
        text += f" ({sign}{abs(one.difference / one.old):.1%})"
    return text
