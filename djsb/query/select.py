"""Find the run, pipeline or job that a user refers to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from djsb.config.experiment import split_seed
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
    """One side of a comparison: a run, one of its pipelines, or some of its jobs."""

    name: str
    """As the user wrote it."""
    run: RunRecord
    part: str
    """Pipeline or job; empty for a whole run."""
    jobs: tuple[JobRecord, ...]
    """Of the last iteration."""
    context: tuple[JobRecord, ...]
    """All jobs of that iteration: settings may refer to their results."""


def select_run(store: Store, text: str) -> RunRecord:
    """Return a run by its id, a unique prefix of it, ``last`` or ``last~1`` (the one before).

    :raises RequestError: if there is no such run, or the prefix is ambiguous
    """
    runs = store.runs()
    place = LAST.fullmatch(text)
    if place and runs:
        back = int(place[1] or 0)
        if back < len(runs):
            return runs[back]
        raise RequestError(f"no run '{text}' in {store.work_dir}: there are only {len(runs)}")
    known = [run.id for run in runs]
    matches = [run for run in runs if run.id == text] or [
        run for run in runs if text and run.id.startswith(text)
    ]
    if not matches:
        raise RequestError(f"no run '{text}' in {store.work_dir}; {_suggest_run(text, known)}")
    if len(matches) > 1:
        listed = "".join(f"\n  {run.id}" for run in matches[:FEW])
        more = f"\n  and {len(matches) - FEW} more" if len(matches) > FEW else ""
        raise RequestError(f"'{text}' is a prefix of {len(matches)} runs:{listed}{more}")
    return matches[0]


def _suggest_run(text: str, known: Sequence[str]) -> str:
    return suggest(text, known if len(known) <= FEW else [*known[:FEW], "…"])


def select_side(store: Store, text: str) -> Side:
    """Return the side that ``RUN``, ``RUN:PIPELINE``, ``RUN:JOB`` or ``RUN:PIPELINE.JOB`` names.

    :raises RequestError: if it is unknown or ambiguous
    """
    run_text, _, part = text.partition(":")
    run = select_run(store, run_text or "last")
    context = tuple(last_iteration(store.jobs(run.id)))
    return Side(text, run, part, select_part(run, context, part) if part else context, context)


def select_part(run: RunRecord, jobs: Sequence[JobRecord], part: str) -> tuple[JobRecord, ...]:
    """Return the jobs of a pipeline (including repetitions with other seeds), or those of a name.

    :raises RequestError: if there are none, or they are in several pipelines
    """
    matches = tuple(job for job in jobs if part in (job.pipeline, base_of(job.pipeline)))
    if matches:
        return matches
    matches = tuple(
        job
        for job in jobs
        if part
        in (
            job.meta_name,
            f"{job.pipeline}.{job.meta_name}",
            f"{base_of(job.pipeline)}.{job.meta_name}",
        )
    )
    pipelines = dict.fromkeys(base_of(job.pipeline) for job in matches)
    if len(pipelines) == 1:
        return matches
    if matches:
        listed = "".join(f"\n  {pipeline}.{part}" for pipeline in pipelines)
        raise RequestError(f"'{part}' may mean, in run {run.id}:{listed}")
    known = {job.meta_name for job in jobs} | {base_of(job.pipeline) for job in jobs}
    raise RequestError(f"no pipeline or job '{part}' in run {run.id}; {suggest(part, known)}")


def select_metrics(store: Store, run: RunRecord, name: str) -> tuple[JobRecord, str]:
    """Return the job of the last iteration that a dotted name refers to, and the rest of the name.

    ``train.loss`` is the metric ``loss`` of the job ``train``; ``train.eval`` may be a prefix of
    ``train.eval.f1``; ``train`` is the whole job, with an empty rest. What a script reported
    without a job is found by its own name.

    :raises RequestError: if nothing has that name, or metrics of several jobs have it
    """
    jobs = last_iteration(store.jobs(run.id))
    names = job_names(jobs)
    matches: dict[str, tuple[JobRecord, str]] = {}
    known: set[str] = set()
    for job in jobs:
        metrics = store.metrics(job.id)
        known |= {f"{names[job.id]}.{key}" for key in metrics}
        rest = _rest(job, names[job.id], name)
        if rest is not None and any(is_inside(key, (rest,)) or not rest for key in metrics):
            matches[names[job.id]] = job, rest  # of the same name, the latest
    if len(matches) > 1 and any(name.startswith(full) for full in matches):
        matches = {full: match for full, match in matches.items() if name.startswith(full)}
    if len(matches) > 1:
        listed = "".join(f"\n  {full}.{rest}".rstrip(".") for full, (_, rest) in matches.items())
        raise RequestError(f"'{name}' may mean, in run {run.id}:{listed}")
    for match in matches.values():
        return match
    raise RequestError(f"nothing in run {run.id} is '{name}'; {suggest(name, known)}")


def _rest(job: JobRecord, full: str, name: str) -> str | None:
    """Return the rest of a name after that of a job; ``None`` if it does not refer to the job."""
    for label in (full, job.meta_name):
        if name == label or name.startswith(f"{label}."):
            return name[len(label) + 1 :]
    return name if job.hook == SCRIPT and job.meta_name == BARE else None


def is_place(text: str) -> bool:
    """Tell whether a text is an experiment file or a work_dir, not the name of a job."""
    path = Path(text)
    return path.is_file() or (path / NAME).is_file() or (path.is_dir() and path.name != text)


def base_of(pipeline: str) -> str:
    """Return the pipeline's name without its seed."""
    return split_seed(pipeline)[0]


def seed_of(pipeline: str) -> str:
    """Return the seed of a repeated pipeline; empty if it was not repeated."""
    seed = split_seed(pipeline)[1]
    return "" if seed is None else str(seed)
