"""The jobs of a run as a diagram: stages from left to right, with status and time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from djsb.records import base_of, seed_of
from djsb_report.reading import DONE, Reading, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb.records import JobRecord

MOST_BOXES = 150
"""Maximum number of jobs that are drawn; the others are only counted."""

MOST_FAILED, MOST_LINES, LONG = 20, 200, 2000

SIGNS = {
    "finished": "✓",
    "cached": "✓",
    "running": "…",
    "failed": "✗",
    "interrupted": "■",
    "cancelled": "■",
    "skipped": "\N{EN DASH}",
}
STAGES = {
    "probe": "Probe",
    "refine_recipe": "Refine recipe",
    "execution": "Execute",
    "evaluation": "Evaluate",
}


@dataclass(frozen=True)
class Box:
    """One job."""

    name: str
    component: str
    status: str
    sign: str
    seconds: float | None
    share: float
    """Percentage of the time of the longest job."""
    source_run: str | None
    takes: Sequence[str]
    isolated: bool
    """Whether it ran in an environment of its own."""


@dataclass(frozen=True)
class Lane:
    """One pipeline in one iteration: its stages, each with its jobs."""

    pipeline: str
    iteration: int
    stages: Sequence[tuple[str, Sequence[Box]]]
    """Empty if the diagram is full."""
    counts: str
    seconds: float
    is_open: bool


@dataclass(frozen=True)
class Failure:
    """One job that failed, and why."""

    name: str
    error: str


@dataclass(frozen=True)
class Target:
    """One target: what each iteration measured."""

    text: str
    values: Sequence[tuple[float | None, bool]]


@dataclass(frozen=True)
class Picture:
    """The diagram of a run's jobs."""

    lanes: Sequence[Lane]
    left_out: int
    """Number of lanes that are not listed at all."""
    counts: str
    failures: Sequence[Failure]
    iterations: Sequence[int]
    targets: Sequence[Target]


def draw_jobs(reading: Reading) -> Picture:
    """Arrange the jobs by iteration, pipeline and stage; the last iteration is expanded."""
    longest = max((job.seconds or 0 for job in reading.jobs), default=0)
    last = max((job.iteration for job in reading.jobs), default=1)
    opened: set[str] = set()
    lanes: list[Lane] = []
    drawn = left_out = 0
    ordered = sorted(reading.jobs, key=lambda job: (-job.iteration, job.position))
    groups: dict[tuple[int, str], list[JobRecord]] = {}
    for job in ordered:
        groups.setdefault((job.iteration, job.pipeline), []).append(job)
    for (iteration, pipeline), jobs in groups.items():
        if len(lanes) == MOST_LINES:
            left_out += 1
            continue
        boxes = [_box(reading, job, longest) for job in jobs[: MOST_BOXES - drawn]]
        drawn += len(boxes)
        base = base_of(pipeline)
        is_open = iteration == last and base not in opened  # the seeds of a pipeline look alike
        opened.add(base)
        lanes.append(
            Lane(
                _title(pipeline),
                iteration,
                _stages(jobs, boxes),
                count_statuses(jobs),
                sum(job.seconds or 0 for job in jobs),
                is_open,
            )
        )
    iterations, targets = _targets(reading)
    return Picture(
        lanes, left_out, count_statuses(reading.jobs), _failures(reading), iterations, targets
    )


def _title(pipeline: str) -> str:
    seed = seed_of(pipeline)
    return f"{base_of(pipeline)}, seed {seed}" if seed else pipeline


def count_statuses(jobs: Sequence[JobRecord]) -> str:
    """Count jobs by status: ``7 finished, 2 cached``."""
    counts = Counter(job.status for job in jobs)
    return ", ".join(f"{counts[status]} {status}" for status in SIGNS if status in counts)


def _box(reading: Reading, job: JobRecord, longest: float) -> Box:
    return Box(
        cut(job.meta_name or job.hook, 80),
        job.component or job.hook,
        job.status,
        SIGNS.get(job.status, "?"),
        job.seconds,
        round(100 * (job.seconds or 0) / longest, 1) if longest else 0,
        job.source_run,
        [cut(name, 40) for name in reading.takes(job)[:4]],
        job.environment is not None,
    )


def _stages(jobs: Sequence[JobRecord], boxes: Sequence[Box]) -> list[tuple[str, list[Box]]]:
    pairs = zip(jobs, boxes, strict=False)
    return [
        (STAGES.get(stage, stage), [box for _, box in members])
        for stage, members in groupby(pairs, key=lambda pair: pair[0].stage)
    ]


def _failures(reading: Reading) -> list[Failure]:
    return [
        Failure(reading.named(job.pipeline, job.meta_name), cut(job.error or job.status, LONG))
        for job in reading.jobs
        if job.error and job.status not in DONE
    ][:MOST_FAILED]


def _targets(reading: Reading) -> tuple[list[int], list[Target]]:
    records = reading.store.targets(reading.run.id)
    iterations = sorted({record.iteration for record in records})[-MOST_LINES:]
    measured = {(record.target, record.iteration): (record.value, record.met) for record in records}
    texts = list(dict.fromkeys(record.target for record in records))[:MOST_FAILED]
    return iterations, [
        Target(text, [measured.get((text, i), (None, False)) for i in iterations]) for text in texts
    ]
