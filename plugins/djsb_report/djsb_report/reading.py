"""The data that the sections of a report read: one run and its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from djsb.records import Masker, base_of, last_iteration, places_of, seed_of
from djsb_core.api import MetricKind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb.records import JobRecord, RunRecord, Store

DONE = ("finished", "cached")
EVALUATION = "evaluation"
"""The stage whose jobs count as evaluations if their hook declares no role."""


@dataclass(frozen=True)
class Reading:
    """One run and cached views of its jobs."""

    store: Store
    run: RunRecord

    @cached_property
    def jobs(self) -> list[JobRecord]:
        """All jobs, in their order."""
        return self.store.jobs(self.run.id)

    @cached_property
    def latest(self) -> list[JobRecord]:
        """The jobs of the last iteration."""
        return last_iteration(self.jobs)

    @cached_property
    def masker(self) -> Masker:
        """Masks the secrets in the settings."""
        return Masker.of([self.run.settings, *(job.settings for job in self.jobs)])

    @cached_property
    def distinct(self) -> list[JobRecord]:
        """The latest jobs; identical repetitions with other seeds are included once."""
        jobs: dict[tuple[str, int | str], JobRecord] = {}
        for job in self.latest:
            identity = job.position if job.fingerprint is None else job.fingerprint
            jobs.setdefault((base_of(job.pipeline), identity), job)
        return list(jobs.values())

    @cached_property
    def several_pipelines(self) -> bool:
        """Tell whether job names need the name of their pipeline."""
        return len({base_of(job.pipeline) for job in self.jobs}) > 1

    @cached_property
    def _metrics(self) -> dict[int, dict[str, float | str]]:
        return {}

    def metrics(self, job: JobRecord) -> Mapping[str, float | str]:
        """Return the last value of each of a job's metrics."""
        if job.id not in self._metrics:
            self._metrics[job.id] = self.store.metrics(job.id)
        return self._metrics[job.id]

    def numbers(self, job: JobRecord) -> dict[str, float]:
        """Return a job's numeric metrics."""
        metrics = self.metrics(job).items()
        return {name: value for name, value in metrics if isinstance(value, int | float)}

    def named(self, pipeline: str, name: str) -> str:
        """Name a job, with its pipeline if there are several, and its seed if repeated."""
        base, seed = base_of(pipeline), seed_of(pipeline)
        full = f"{base}.{name}" if self.several_pipelines else name
        return f"{full} (seed {seed})" if seed else full

    def of_role(self, role: Role) -> list[JobRecord]:
        """Return the distinct finished jobs of a role in the last iteration."""
        return [job for job in self.distinct if job.role is role and job.status in DONE]

    @cached_property
    def analyses(self) -> list[JobRecord]:
        """The distinct probes of the last iteration that measured each sample of a dataset."""
        return [job for job in self.of_role(Role.PROBE) if measures_samples(job)]

    @cached_property
    def places(self) -> dict[str, str]:
        """The names of results, ``meta_name.output``, by path."""
        return places_of(self.jobs)

    @cached_property
    def _makers(self) -> dict[str, str]:
        """The name of the job that worked in each folder."""
        return {str(job.files): job.meta_name for job in self.jobs if job.files is not None}

    def readable(self, value: Any) -> Any:  # noqa: ANN401 (any settings)
        """Replace the paths of results in settings with their names."""
        if isinstance(value, dict):
            return {key: self.readable(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.readable(item) for item in value]
        place = _place_of(value, self.places) if isinstance(value, str) else None
        return value if place is None else self.places[place] + value[len(place) :]

    def takes(self, job: JobRecord) -> list[str]:
        """List the jobs whose results a job's settings refer to."""
        places = (_place_of(text, self._makers) for text in texts_of(job.settings))
        names = dict.fromkeys(self._makers[place] for place in places if place is not None)
        return [name for name in names if name != job.meta_name]


def measures_samples(job: JobRecord) -> bool:
    """Tell whether a job reports summaries of per-sample statistics."""
    return any(metric.kind is MetricKind.STATISTIC for metric in job.declarations.metrics)


def is_evaluation(job: JobRecord) -> bool:
    """Tell whether a finished job scored a dataset or a model."""
    scores = job.role is Role.EVALUATE or job.stage == EVALUATION
    return scores and job.status in DONE and not measures_samples(job)


def _place_of(path: str, places: Mapping[str, str]) -> str | None:
    """Find the place that equals or contains a path."""
    end = len(path)
    while end > 0:
        if path[:end] in places:
            return path[:end]
        end = path.rfind("/", 0, end)
    return None


def texts_of(value: object) -> Iterator[str]:
    """Yield every text of nested settings."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, str):
        yield value


def listed(names: Sequence[str], most: int = 4) -> str:
    """Join names as in a sentence.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
    ('a, b and c', 'a, b and 2 more')
    """
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def cut(text: str, most: int) -> str:
    """Truncate a text with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
