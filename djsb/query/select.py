"""Find the run, pipeline or job that a user means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.config.experiment import SEED
from djsb.query.facts import is_inside, job_names, last_iteration
from djsb.store.database import NAME
from djsb_core.errors import RequestError, suggest
from djsb_core.job.watcher import BARE, SCRIPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.store.records import JobRecord, RunRecord
    from djsb.store.store import Store

LAST = re.compile(r"last(?:~(\d{1,9}))?")
FEW = 8


@dataclass(frozen=True)
class Side:
    """What is compared: a run, or one of its pipelines, or some of its jobs."""

    name: str
    """As the user wrote it."""
    run: RunRecord
    part: str
    """Pipeline or job; empty for a whole run."""
    jobs: tuple[JobRecord, ...]
    """Of the last iteration."""
    context: tuple[JobRecord, ...]
    """All jobs of that iteration: their results may be named in settings."""


def select_run(store: Store, text: str) -> RunRecord:
    """Return a run by its id, a unique beginning of it, ``last`` or ``last~1`` (the one before).

    :raises RequestError: if there is no such run, or several
    """
    runs = store.runs()
    place = LAST.fullmatch(text)
    if place and runs:
        back = int(place[1] or 0)
        if back < len(runs):
            return runs[back]
        raise RequestError(f"no run '{text}' in {store.work_dir}: there are only {len(runs)}")
    known = [run.id for run in runs]
    found = [run for run in runs if run.id == text] or [
        run for run in runs if text and run.id.startswith(text)
    ]
    if not found:
        raise RequestError(f"no run '{text}' in {store.work_dir}; {_suggest_run(text, known)}")
    if len(found) > 1:
        listed = "".join(f"\n  {run.id}" for run in found[:FEW])
        more = f"\n  and {len(found) - FEW} more" if len(found) > FEW else ""
        raise RequestError(f"'{text}' is the beginning of {len(found)} runs:{listed}{more}")
    return found[0]


def _suggest_run(text: str, known: Sequence[str]) -> str:
    return suggest(text, known if len(known) <= FEW else [*known[:FEW], "…"])


def select_side(store: Store, text: str) -> Side:
    """Return what ``RUN``, ``RUN:PIPELINE``, ``RUN:JOB`` or ``RUN:PIPELINE.JOB`` means.

    :raises RequestError: if there is no such thing, or several
    """
    run_text, _, part = text.partition(":")
    run = select_run(store, run_text or "last")
    context = tuple(last_iteration(store.jobs(run.id)))
    return Side(text, run, part, select_part(run, context, part) if part else context, context)


def select_part(run: RunRecord, jobs: Sequence[JobRecord], part: str) -> tuple[JobRecord, ...]:
    """Return the jobs of a pipeline (its repetitions with other seeds too), or those of a name.

    :raises RequestError: if there is none, or jobs of several pipelines
    """
    found = tuple(job for job in jobs if part in (job.pipeline, base_of(job.pipeline)))
    if found:
        return found
    found = tuple(
        job
        for job in jobs
        if part
        in (
            job.meta_name,
            f"{job.pipeline}.{job.meta_name}",
            f"{base_of(job.pipeline)}.{job.meta_name}",
        )
    )
    pipelines = dict.fromkeys(base_of(job.pipeline) for job in found)
    if len(pipelines) == 1:
        return found
    if found:
        listed = "".join(f"\n  {pipeline}.{part}" for pipeline in pipelines)
        raise RequestError(f"'{part}' may mean, in run {run.id}:{listed}")
    known = {job.meta_name for job in jobs} | {base_of(job.pipeline) for job in jobs}
    raise RequestError(f"no pipeline or job '{part}' in run {run.id}; {suggest(part, known)}")


def select_metrics(store: Store, run: RunRecord, name: str) -> tuple[JobRecord, str]:
    """Return the job of the last iteration that a dotted name means, and what it names in it.

    ``train.loss`` is the metric ``loss`` of the job ``train``; ``train.eval`` may be the beginning
    of ``train.eval.f1``; ``train`` is all of the job: an empty name. What a script has reported
    without a job's name is found by its own name.

    :raises RequestError: if nothing has that name, or metrics of several jobs have it
    """
    jobs = last_iteration(store.jobs(run.id))
    names = job_names(jobs)
    found: dict[str, tuple[JobRecord, str]] = {}
    known: set[str] = set()
    for job in jobs:
        metrics = store.metrics(job.id)
        known |= {f"{names[job.id]}.{key}" for key in metrics}
        rest = _rest(job, names[job.id], name)
        if rest is not None and any(is_inside(key, (rest,)) or not rest for key in metrics):
            found[names[job.id]] = job, rest  # of the same name, the latest
    if len(found) > 1 and any(name.startswith(full) for full in found):
        found = {full: one for full, one in found.items() if name.startswith(full)}
    if len(found) > 1:
        listed = "".join(f"\n  {full}.{rest}".rstrip(".") for full, (_, rest) in found.items())
        raise RequestError(f"'{name}' may mean, in run {run.id}:{listed}")
    for one in found.values():
        return one
    raise RequestError(f"nothing in run {run.id} is '{name}'; {suggest(name, known)}")


def _rest(job: JobRecord, full: str, name: str) -> str | None:
    """Return what a name means in a job; ``None`` if it does not mean the job."""
    for label in (full, job.meta_name):
        if name == label or name.startswith(f"{label}."):
            return name[len(label) + 1 :]
    return name if job.hook == SCRIPT and job.meta_name == BARE else None


def is_place(text: str) -> bool:
    """Tell an experiment file or a work_dir from the name of a job."""
    path = Path(text)
    return path.is_file() or (path / NAME).is_file() or (path.is_dir() and path.name != text)


def base_of(pipeline: str) -> str:
    """Return the pipeline's name without the seed with which it was repeated."""
    return pipeline.partition(SEED)[0]


def seed_of(pipeline: str) -> str:
    """Return the seed with which a pipeline was repeated; empty if it was not."""
    return pipeline.partition(SEED)[2]
