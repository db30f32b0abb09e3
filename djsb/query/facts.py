"""What a run was given and what it measured, each under one dotted name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from djsb.config.dotted import get_value
from djsb.config.pipelines import STAGES
from djsb.query.status import status_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from djsb.store.records import JobRecord, RunRecord
    from djsb.store.store import Store

SECTIONS = ("dj_configs", "extra_configs")


@dataclass(frozen=True)
class Facts:
    """One run with its settings and results; of several iterations, those of the last."""

    run: RunRecord
    settings: Mapping[str, Any]
    """By ``meta_name.section.key…``; results of earlier jobs stand as ``meta_name.output``."""
    metrics: Mapping[str, float | str]
    """By ``meta_name.metric``: the last value."""
    handed_on: frozenset[str] = frozenset()
    """The settings that earlier jobs gave."""
    scores: frozenset[str] = frozenset()
    """The metrics that say what is better."""
    secondary: frozenset[str] = frozenset()
    """The metrics that describe others, or the machine."""
    jobs: frozenset[str] = frozenset()
    """The jobs that were reached: the settings of others are not known."""

    @property
    def head(self) -> dict[str, Any]:
        """What each run has."""
        run = self.run
        return {
            "id": run.id,
            "project_name": run.project_name,
            "experiment_name": run.experiment_name,
            "status": status_of(run),
            "started": run.started,
            "seconds": run.seconds,
            "sweep": run.sweep_name,
        }

    def value(self, name: str) -> Any:  # noqa: ANN401 (any setting)
        """Return what has this full name; ``None`` where the run has nothing of that name."""
        for part in (self.head, self.settings, self.metrics):
            if name in part:
                return part[name]
        return None


def facts_of(store: Store, run: RunRecord) -> Facts:
    """Collect the settings and results of one run."""
    jobs = last_iteration(store.jobs(run.id))
    names, places = job_names(jobs), places_of(jobs)
    settings: dict[str, Any] = {}
    metrics: dict[str, float | str] = {}
    handed_on, scores, secondary = set(), set(), set()
    settings |= watched_settings(run)
    reached = {job_of(name) for name in settings}
    for job in jobs:
        name = names[job.id]
        given = inputs_of(run, job)
        reached |= {name} if job.settings else set()
        for key, value in settings_of(job, places).items():
            if settings.setdefault(f"{name}.{key}", value) == value and is_inside(key, given):
                handed_on.add(f"{name}.{key}")
        measured = store.metrics(job.id)
        metrics |= {f"{name}.{key}": value for key, value in measured.items()}
        secondary |= {f"{name}.{key}" for key in measured if job.is_detail(key)}
        scores |= {f"{name}.{key}" for key in measured if job.direction(key) is not None}
    return Facts(
        run,
        settings,
        metrics,
        frozenset(handed_on),
        frozenset(scores),
        frozenset(secondary),
        frozenset(reached),
    )


def job_of(setting: str) -> str:
    """Return the job that a setting belongs to."""
    return min((setting.partition(f".{section}")[0] for section in SECTIONS), key=len)


def last_iteration(jobs: Sequence[JobRecord]) -> list[JobRecord]:
    """Keep the jobs of the last iteration."""
    last = max((job.iteration for job in jobs), default=1)
    return [job for job in jobs if job.iteration == last]


def job_names(jobs: Sequence[JobRecord]) -> dict[int, str]:
    """Name jobs by ``meta_name``; with the pipeline where there are several."""
    several = len({job.pipeline for job in jobs}) > 1
    return {job.id: f"{job.pipeline}.{job.meta_name}" if several else job.meta_name for job in jobs}


# -- settings --------------------------------------------------------------------------------------


def watched_settings(run: RunRecord) -> dict[str, Any]:
    """Return the settings that a script gave, by dotted names; an experiment's keys have none."""
    found: dict[str, Any] = {}
    for key, value in run.settings.items():
        if "." in key:
            found |= _flat(value, key)
    return found


def settings_of(job: JobRecord, places: Mapping[str, str]) -> dict[str, Any]:
    """Return each setting of a job under its dotted name.

    Operators of a recipe count by their name, not by their place:
    ``dj_configs.process.text_length_filter.min_len``.
    """
    return {key: referred(value, places) for key, value in flat_settings(job.settings).items()}


def flat_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return each value of a job's sections under its dotted name."""
    found: dict[str, Any] = {}
    for section in SECTIONS:
        found |= _flat(settings.get(section), section)
    return found


def _flat(value: object, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}")
    elif isinstance(value, list) and (operators := _operators(value)):
        yield name, ", ".join(operators)
        for operator, arguments in operators.items():
            if arguments:
                yield from _flat(arguments, f"{name}.{operator}")
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for i, item in enumerate(value):
            yield from _flat(item, f"{name}.{i}")
    elif value is not None:
        yield name, value


def _operators(value: list[Any]) -> dict[str, Any]:
    """Return the operators of a recipe by name; nothing if it is no such list."""
    if not all(
        isinstance(item, str) or (isinstance(item, dict) and len(item) == 1) for item in value
    ):
        return {}
    if not any(isinstance(item, dict) for item in value):
        return {}
    pairs = [(item, None) if isinstance(item, str) else next(iter(item.items())) for item in value]
    named = dict(pairs)
    return named if len(named) == len(pairs) else {}


def places_of(jobs: Sequence[JobRecord]) -> dict[str, str]:
    """Return what stands for each result in settings: ``meta_name.output``; longest path first."""
    names = job_names(jobs)
    found: dict[str, str] = {}
    for job in jobs:
        if job.files is not None:
            found.setdefault(str(job.files), names[job.id])
        for output, value in job.outputs.items():
            for key, item in _flat(value, output):
                if isinstance(item, str) and item.startswith("/"):
                    found[item] = f"{names[job.id]}.{key}"
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def referred(value: Any, places: Mapping[str, str]) -> Any:  # noqa: ANN401 (any setting)
    """Name the results of jobs in a setting by what they are, not by where they are."""
    if isinstance(value, list):
        return [referred(item, places) for item in value]
    if isinstance(value, str) and value.startswith("/"):
        for place, name in places.items():
            if value == place or value.startswith(f"{place}/"):
                return name + value.removeprefix(place)
    return value


def inputs_of(run: RunRecord, job: JobRecord) -> dict[str, str]:
    """Return what earlier jobs gave to a job: ``config.key`` to ``pipeline.meta_name.output``.

    Nothing where the experiment names another file for the job's pipeline.
    """
    stage = f"{job.stage}_job_configs"
    for path in ((), ("pipelines", job.pipeline.partition("@")[0])):
        try:
            stages = get_value(_by_name(run.settings), path)
        except KeyError:
            continue
        entries = stages.get(stage) if isinstance(stages, dict) and stage in STAGES else None
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("meta_name") == job.meta_name:
                given = entry.get("input")
                return {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}
    return {}


def _by_name(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment with its pipelines as a mapping."""
    pipelines = settings.get("pipelines")
    if isinstance(pipelines, list):
        parts = [item for item in pipelines if isinstance(item, dict)]
        pipelines = {name: stages for item in parts for name, stages in item.items()}
    return {**settings, "pipelines": pipelines or {}}


def is_inside(key: str, given: Iterable[str]) -> bool:
    """Tell whether a dotted name is one of those given, or inside of one."""
    return any(key == path or key.startswith(f"{path}.") for path in given)


def shown(value: object) -> str:
    """Write a setting on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())
