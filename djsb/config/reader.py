"""Read an experiment file: strictly, completely, collecting every problem of its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import ValidationError

from djsb.config.document import Document, read_document
from djsb.config.experiment import Experiment, JobSpec
from djsb.config.frozen import freeze, thaw
from djsb.config.jobs import JobReader
from djsb.config.overrides import Overrides
from djsb.config.pipelines import PipelineSpec, read_pipelines
from djsb.config.reading import Reading
from djsb.config.recognised import recognise
from djsb.config.references import Update, check_update
from djsb.config.schema import ExperimentSchema, Stage
from djsb.config.targets import Target, parse_target
from djsb_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from djsb_core.problems import Location


def read_experiment(
    source: Path | Document, overrides: Sequence[str] | Mapping[str, object] = ()
) -> Experiment:
    """Read an experiment file and the files that its jobs name.

    Problems of its form are kept in ``problems``, so that a plan can report them with its own.

    :param source: the file, or its parsed document
    :param overrides: ``a.b.0.c=VALUE``, or values by path; applied before anything is checked
    :raises ConfigError: if the file cannot be read at all
    """
    document = source if isinstance(source, Document) else read_document(source)
    tree = document.value if document is not source else thaw(document.value)
    if not isinstance(tree, dict):
        text = "an experiment is a mapping of keys"
        raise ConfigError([document.source.problem((), text)])
    other = recognise(tree)
    if other is not None:
        key, text, remedy = other
        raise ConfigError([document.source.problem((key,), text, remedy)])
    changes = Overrides(tree)
    if isinstance(overrides, Mapping):
        for path, value in overrides.items():
            changes.apply(path, value)
    else:
        for text in overrides:
            changes.apply_text(text)
    file = replace(document.source, overridden=MappingProxyType(changes.labels))
    reading = Reading(replace(document, source=file, value=tree))
    reading.problems += changes.problems
    return _Reader(reading).read()


class _Reader:
    """Collects jobs and problems while it reads."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.document: Document = reading.document
        self.tree = reading.document.value
        self.jobs: list[JobSpec] = []
        self.unread: dict[int, tuple[str, str]] = {}
        self._positions = count()

    def read(self) -> Experiment:
        schema = self._read_schema()
        pipelines = read_pipelines(self.tree, self.reading)
        for pipeline in pipelines:
            self._read_pipeline(pipeline)
        targets, updates = tuple(self._read_targets(schema)), tuple(self._read_updates(schema))
        problems = self.reading.problems
        if not self.jobs and not problems:
            keys = ", ".join(stage.key for stage in Stage)
            remedy = f"add one to {keys}"
            problems.append(self.document.source.problem((), "no job to run", remedy))
        return Experiment(
            replace(self.document, value=freeze(self.tree)),
            _frozen(schema),
            tuple(self.jobs),
            tuple(problems),
            tuple(pipeline.name for pipeline in pipelines if pipeline.name),
            targets,
            updates,
            MappingProxyType(self.unread),
            self.reading.folders,
        )

    def _read_schema(self) -> ExperimentSchema:
        """Read the experiment's own keys; an invalid one is reported and treated as absent."""
        others = {"pipelines", *(stage.key for stage in Stage)}
        keys = {key: value for key, value in self.tree.items() if key not in others}
        schema = self.reading.validate(ExperimentSchema, keys, self.document, ())
        if schema is None:
            valid = {key: value for key, value in keys.items() if _is_valid(key, value)}
            schema = ExperimentSchema.model_validate(valid)
        for key, *feature in schema.later_keys():
            self.reading.add_problem(self.document.source, (key,), *feature)
        if schema.max_iter_num == 0 and not schema.iter_targets:
            remedy = "set iter_targets, or give a positive number"
            self.reading.add_problem(
                self.document.source,
                ("max_iter_num",),
                "0 needs targets to end the iteration",
                remedy,
            )
        return schema

    def _read_targets(self, schema: ExperimentSchema) -> Iterator[tuple[Target, Location]]:
        single = isinstance(self.tree.get("iter_targets"), str)
        for i, text in enumerate(schema.iter_targets):
            location = ("iter_targets",) if single else ("iter_targets", i)
            try:
                yield parse_target(text), location
            except ValueError as error:
                self.reading.add_problem(self.document.source, location, str(error))

    def _read_updates(self, schema: ExperimentSchema) -> Iterator[Update]:
        sources: dict[str, str] = {}
        for source, target in schema.iter_updater.items():
            problem = check_update(source, target)
            if problem is None and target in sources:
                problem = f"'{target}' takes its value from '{sources[target]}' already"
            sources.setdefault(target, source)
            if problem is None:
                yield Update(source, target)
            else:
                location = ("iter_updater", source)
                self.reading.add_problem(self.document.source, location, problem, key=location[:1])

    def _read_pipeline(self, pipeline: PipelineSpec) -> None:
        if pipeline.stages is None or not pipeline.complete:
            self._add_unread(pipeline.name)
        if pipeline.stages is None:
            return
        reader = JobReader(self.reading, pipeline)
        for stage in Stage:
            jobs, at = pipeline.stages.get(stage.key), (*pipeline.location, stage.key)
            if jobs is None:
                continue
            if not isinstance(jobs, list):
                self.reading.add_problem(pipeline.document.source, at, "should be a list of jobs")
                self._add_unread(pipeline.name)
                continue
            for i, value in enumerate(jobs):
                position = next(self._positions)
                job = reader.read(value, stage, position, pipeline.document, (*at, i))
                if job is not None:
                    self.jobs.append(job)
                if job is None or job.is_unknown(("meta_name",)):
                    self.unread[position] = (pipeline.name, "")

    def _add_unread(self, pipeline: str) -> None:
        """Reserve the position of a job, so that references to it cause no second problem."""
        self.unread[next(self._positions)] = (pipeline, "")


def _frozen(schema: ExperimentSchema) -> ExperimentSchema:
    """Return the experiment's keys with immutable lists and mappings."""
    return schema.model_copy(update={name: freeze(value) for name, value in schema})


def _is_valid(key: str, value: object) -> bool:
    try:
        ExperimentSchema.model_validate({key: value})
    except ValidationError:
        return False
    return True
