"""What the sections of a report read: one run, its jobs, and what was compared in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from djsb.records import Masker, base_of, last_iteration, places_of, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb.records import JobRecord, RunRecord, Store

DONE = ("finished", "cached")
PROBE, PROCESS, TRAINING = "ProbeViaAnalyzerHook", "ProcessDataHook", "TrainModelHook"
EVALUATION = "evaluation"


@dataclass(frozen=True)
class Reading:
    """One run as a report reads it."""

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
        """Knows what must not be shown."""
        return Masker.of([self.run.settings, *(job.settings for job in self.jobs)])

    @cached_property
    def distinct(self) -> list[JobRecord]:
        """The latest jobs; of those that other seeds repeat without any change, one."""
        found: dict[tuple[str, int | str], JobRecord] = {}
        for job in self.latest:
            which = job.position if job.fingerprint is None else job.fingerprint
            found.setdefault((base_of(job.pipeline), which), job)
        return list(found.values())

    @cached_property
    def several_pipelines(self) -> bool:
        """Tell whether a job's name needs its pipeline's."""
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
        """Return those of a job's metrics that are numbers."""
        found = self.metrics(job).items()
        return {name: value for name, value in found if isinstance(value, int | float)}

    def named(self, pipeline: str, name: str) -> str:
        """Name a job, with its pipeline where there are several, and the seed of a repetition."""
        base, seed = base_of(pipeline), seed_of(pipeline)
        full = f"{base}.{name}" if self.several_pipelines else name
        return f"{full} (seed {seed})" if seed else full

    def of_hook(self, hook: str) -> list[JobRecord]:
        """Return the distinct jobs of the last iteration that ran with a hook to the end."""
        return [job for job in self.distinct if job.hook == hook and job.status in DONE]

    @cached_property
    def places(self) -> dict[str, str]:
        """What stands for the path of a result: ``meta_name.output``."""
        return places_of(self.jobs)

    @cached_property
    def _makers(self) -> dict[str, str]:
        """Name the job that worked in a folder."""
        return {str(job.files): job.meta_name for job in self.jobs if job.files is not None}

    def readable(self, value: Any) -> Any:  # noqa: ANN401 (any settings)
        """Name results in settings by what they are: where they lie says nothing."""
        if isinstance(value, dict):
            return {key: self.readable(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.readable(item) for item in value]
        place = _place_of(value, self.places) if isinstance(value, str) else None
        return value if place is None else self.places[place] + value[len(place) :]

    def takes(self, job: JobRecord) -> list[str]:
        """Name the jobs whose results are among a job's settings."""
        found = (_place_of(text, self._makers) for text in texts_of(job.settings))
        names = dict.fromkeys(self._makers[place] for place in found if place is not None)
        return [name for name in names if name != job.meta_name]


def _place_of(path: str, places: Mapping[str, str]) -> str | None:
    """Find which place a path is, or lies in."""
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
    """Write names as a sentence does.

    >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
    ('a, b and c', 'a, b and 2 more')
    """
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def cut(text: str, most: int) -> str:
    """Shorten a text; an ellipsis shows it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
