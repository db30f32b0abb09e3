"""The settings and metrics of a run, each under one dotted name."""

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
    """One run with its settings and results, those of the last iteration."""

    run: RunRecord
    settings: Mapping[str, Any]
    """By ``meta_name.section.key…``; results of earlier jobs appear as ``meta_name.output``."""
    metrics: Mapping[str, float | str]
    """By ``meta_name.metric``: the last value."""
    handed_on: frozenset[str] = frozenset()
    """The settings that come from earlier jobs."""
    scores: frozenset[str] = frozenset()
    """The metrics with a direction: higher or lower is better."""
    secondary: frozenset[str] = frozenset()
    """The metrics that describe others, or the machine."""
    jobs: frozenset[str] = frozenset()
    """The jobs that the run reached: the settings of others are unknown."""

    @property
    def head(self) -> dict[str, Any]:
        """The fields that every run has."""
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
        """Return the value with this full name; ``None`` if the run has none."""
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
        inputs = inputs_of(run, job)
        reached |= {name} if job.settings else set()
        for key, value in settings_of(job, places).items():
            if settings.setdefault(f"{name}.{key}", value) == value and is_inside(key, inputs):
                handed_on.add(f"{name}.{key}")
        measured = store.metrics(job.id)
        metrics |= {f"{name}.{key}": value for key, value in measured.items()}
        secondary |= {f"{name}.{key}" for key in measured if job.is_detail(key)}
        scores |= {f"{name}.{key}" for key in measured if job.is_score(key)}
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
    """Return the name of the job that a setting belongs to."""
    return min((setting.partition(f".{section}")[0] for section in SECTIONS), key=len)


def last_iteration(jobs: Sequence[JobRecord]) -> list[JobRecord]:
    """Keep the jobs of the last iteration."""
    last = max((job.iteration for job in jobs), default=1)
    return [job for job in jobs if job.iteration == last]


def job_names(jobs: Sequence[JobRecord]) -> dict[int, str]:
    """Name jobs by ``meta_name``; with the pipeline if there are several."""
    several = len({job.pipeline for job in jobs}) > 1
    return {job.id: f"{job.pipeline}.{job.meta_name}" if several else job.meta_name for job in jobs}


# -- settings --------------------------------------------------------------------------------------


def watched_settings(run: RunRecord) -> dict[str, Any]:
    """Return the settings that a script recorded; unlike an experiment's, their keys are dotted."""
    settings: dict[str, Any] = {}
    for key, value in run.settings.items():
        if "." in key:
            settings |= _flat(value, key)
    return settings


def settings_of(job: JobRecord, places: Mapping[str, str]) -> dict[str, Any]:
    """Return each setting of a job under its dotted name.

    Operators of a recipe are identified by name, not by position:
    ``dj_configs.process.text_length_filter.min_len``.
    """
    return {key: referred(value, places) for key, value in flat_settings(job.settings).items()}


def flat_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return each value of a job's sections under its dotted name."""
    values: dict[str, Any] = {}
    for section in SECTIONS:
        values |= _flat(settings.get(section), section)
    return values


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
    """Return the operators of a recipe by name; empty if the list is not a recipe."""
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
    """Return the name of each result, ``meta_name.output``, by its path; longest path first."""
    names = job_names(jobs)
    names_by_path: dict[str, str] = {}
    for job in jobs:
        if job.files is not None:
            names_by_path.setdefault(str(job.files), names[job.id])
        for output, value in job.outputs.items():
            for key, item in _flat(value, output):
                if isinstance(item, str) and item.startswith("/"):
                    names_by_path[item] = f"{names[job.id]}.{key}"
    return dict(sorted(names_by_path.items(), key=lambda pair: -len(pair[0])))


def referred(value: Any, places: Mapping[str, str]) -> Any:  # noqa: ANN401 (any setting)
    """Replace the paths of results in a setting with their names."""
    if isinstance(value, list):
        return [referred(item, places) for item in value]
    if isinstance(value, str) and value.startswith("/"):
        for place, name in places.items():
            if value == place or value.startswith(f"{place}/"):
                return name + value.removeprefix(place)
    return value


def inputs_of(run: RunRecord, job: JobRecord) -> dict[str, str]:
    """Return the inputs of a job: ``config.key`` to ``pipeline.meta_name.output``.

    Empty if the experiment names another file for the job's pipeline.
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
                inputs = entry.get("input")
                return (
                    {str(k): str(v) for k, v in inputs.items()} if isinstance(inputs, dict) else {}
                )
    return {}


def _by_name(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment with its pipelines as a mapping."""
    pipelines = settings.get("pipelines")
    if isinstance(pipelines, list):
        parts = [item for item in pipelines if isinstance(item, dict)]
        pipelines = {name: stages for item in parts for name, stages in item.items()}
    return {**settings, "pipelines": pipelines or {}}


def is_inside(key: str, paths: Iterable[str]) -> bool:
    """Tell whether a dotted name is one of these paths, or inside one."""
    return any(key == path or key.startswith(f"{path}.") for path in paths)


def shown(value: object) -> str:
    """Format a setting on one line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())
