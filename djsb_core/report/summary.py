"""What a run ends with: its jobs, and what changed from before to after."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from djsb_core.report.compare import Comparison, compare_jobs
from djsb_core.report.format import duration, number, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from djsb_core.store.records import JobRecord
    from djsb_core.store.store import Store

PROBE, TRAINING = "ProbeViaAnalyzerHook", "TrainModelHook"
HIDDEN = ("stderr", "seconds", "refined.", "after.")
SHOWN_OF_TRAINING = ("documents", "tokens")
MEAN = ".mean"


def summarize(store: Store, run_id: str) -> str:
    """Write the closing summary of a run."""
    run, jobs = store.run(run_id), store.jobs(run_id)
    parts = [jobs_table(jobs)]
    changes = list(changes_of(store, jobs))
    if changes:
        parts.append("Before → after\n\n" + changes_table(changes))
    seconds = duration(run.seconds)
    end = f"Run {run.id} {run.status} in {seconds}."
    parts.append(f"{end} More: djsb show {run.id} {store.work_dir}")
    return "\n" + "\n\n".join(parts)


def jobs_table(jobs: Sequence[JobRecord]) -> str:
    """List jobs with status and time."""
    rows = [
        (
            job.position + 1,
            job.stage,
            job.meta_name,
            job.component or job.hook,
            job.status,
            duration(job.seconds),
        )
        for job in jobs
    ]
    return table(rows, ("", "stage", "job", "component", "status", "time"), right=(0, 5))


def changes_of(store: Store, jobs: Sequence[JobRecord]) -> Iterator[Comparison]:
    """Compare what was measured twice, and the rows that processing kept with those given.

    Of a probe's statistics only the means; what did not change is left out, but for the tokens of
    trainings: that they are equal is what makes the models comparable.
    """
    for job in jobs:
        metrics = store.metrics(job.id)
        given, kept = metrics.get("rows_in"), metrics.get("rows_kept")
        if isinstance(given, int | float) and isinstance(kept, int | float):
            yield Comparison("rows", job.meta_name, job.meta_name, given, kept)
    hooks: dict[str, str] = {}
    for job in jobs:
        hooks.setdefault(job.meta_name, job.hook)  # a refinement has the name of its probe
    for comparison in compare_jobs(store, jobs):
        if _is_shown(comparison, hooks[comparison.after]):
            yield comparison


def _is_shown(one: Comparison, hook: str) -> bool:
    if hook == PROBE:
        return one.metric.endswith(MEAN)
    if hook == TRAINING:
        return one.metric in SHOWN_OF_TRAINING
    return one.difference != 0 and not any(part in one.metric for part in HIDDEN)


def changes_table(changes: Iterable[Comparison]) -> str:
    """Lay comparisons out as a table."""
    rows = [
        (
            _jobs(one),
            one.metric,
            number(one.old),
            number(one.new),
            _difference(one),
            one.verdict,
        )
        for one in changes
    ]
    headers = ("jobs", "metric", "before", "after", "difference", "")
    return table(rows, headers, right=(2, 3, 4))


def _jobs(one: Comparison) -> str:
    return one.before if one.before == one.after else f"{one.before} → {one.after}"


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
