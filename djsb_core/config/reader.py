"""Read an experiment file: strictly, completely, collecting every problem of its form."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from djsb_core.config.document import Document, Location, parse_value, read_document
from djsb_core.config.dotted import get_value, set_value, split_path
from djsb_core.config.experiment import Experiment, JobSpec, Settings, lookup_folders
from djsb_core.config.problems import describe_errors, show_location
from djsb_core.config.references import Reference, check_form
from djsb_core.config.schema import ExperimentSchema, JobSchema, Stage
from djsb_core.errors import ConfigError
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.paths import PathContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ANONYMOUS = "anonymous"


def read_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read an experiment file and the files that its jobs name.

    Problems of its form are kept in ``problems``, so that a plan can report them with its own.

    :param overrides: ``a.b.0.c=VALUE``, applied before anything is checked
    :raises ConfigError: if the file cannot be read at all
    """
    return _Reader(path, overrides).read()


class _Reader:
    """Collects problems while it reads."""

    def __init__(self, path: Path, overrides: Sequence[str]) -> None:
        document = read_document(path)
        self.document = document
        self.problems: list[str] = []
        self.tree = copy.deepcopy(document.value)
        for override in overrides:
            self._override(override)

    def read(self) -> Experiment:
        if not isinstance(self.tree, dict):
            raise ConfigError([f"{self.document.path}:1: an experiment is a mapping of keys"])
        stage_keys = {stage.key for stage in Stage}
        rest = {key: value for key, value in self.tree.items() if key not in stage_keys}
        schema = self._validate(ExperimentSchema, rest, self.document, ())
        if schema is not None:
            self._refuse_later_keys(schema)
        jobs = [job for stage in Stage for job in self._read_stage(stage)]
        if not jobs and not self.problems:
            keys = ", ".join(stage.key for stage in Stage)
            self.problems.append(f"{self.document.path}:1: no job to run; add one to {keys}")
        return Experiment(
            replace(self.document, value=self.tree),
            schema or ExperimentSchema(),
            tuple(replace(job, position=i) for i, job in enumerate(jobs)),
            tuple(self.problems),
        )

    def _override(self, text: str) -> None:
        path, sign, value_text = text.partition("=")
        if not sign or not path:
            self.problems.append(f"--set {text}: write --set key.0.key=VALUE")
            return
        try:
            value = parse_value(value_text)
            parts = split_path(path)
            cut = next((i for i, part in enumerate(parts) if part in tuple(Section)), None)
            job = self.tree if cut is None else get_value(self.tree, parts[:cut])
            section = job.get(parts[cut]) if cut is not None and isinstance(job, dict) else None
            if cut is not None and isinstance(section, str) and len(parts) > cut + 1:
                # The settings are in another file: override them for this job.
                set_value(self.tree, (*parts[:cut], "local", ".".join(parts[cut:])), value)
            else:
                set_value(self.tree, parts, value)
        except KeyError as missing:
            self.problems.append(
                f"--set {text}: no '{missing.args[0]}' there; write --set key.0.key=VALUE"
            )
        except (yaml.YAMLError, ConfigError):
            self.problems.append(f"--set {text}: the value is not YAML")

    def _refuse_later_keys(self, schema: ExperimentSchema) -> None:
        """Refuse, by name, what the schema knows and this version cannot do."""
        for key, feature in schema.later_keys():
            place = self.document.place((key,))
            self.problems.append(
                f"{place}: {key}: {feature} is not supported yet by this version; remove the key"
            )

    def _read_stage(self, stage: Stage) -> Iterable[JobSpec]:
        listed = self.tree.get(stage.key)
        if listed is None:
            return
        if not isinstance(listed, list):
            place = self.document.place((stage.key,))
            self.problems.append(f"{place}: {stage.key}: should be a list of jobs")
            return
        for i, job in enumerate(listed):
            spec = self._read_job(job, stage, (stage.key, i))
            if spec is not None:
                yield spec

    def _read_job(self, value: object, stage: Stage, location: Location) -> JobSpec | None:
        document, start = self.document, location
        if isinstance(value, str):
            found = self._read_side_file(value, self.document, location)
            if found is None:
                return None
            document, start, value = found, (), found.value
        job = self._validate(JobSchema, value, document, start)
        if job is None:
            return None
        sections = {
            section: self._read_section(getattr(job, section.value), section, document, start)
            for section in Section
        }
        return JobSpec(
            pipeline=ANONYMOUS,
            stage=stage,
            position=0,
            location=start,
            document=document,
            hook=job.hook,
            meta_name=job.meta_name or f"{stage.value}_{location[1]}",
            named=bool(job.meta_name),
            sections=sections,
            inputs=tuple(self._read_inputs(job, document, start)),
            output=tuple(job.output) if job.output is not None else None,
            local=self._checked_local(job, document, start),
        )

    def _read_section(
        self, value: dict[str, Any] | str | None, section: Section, document: Document, at: Location
    ) -> Settings:
        place = (*at, section.value)
        if not isinstance(value, str):
            return Settings(value, document, place)
        if value.startswith("<") and value.endswith(">"):
            return Settings(None, document, place)  # the published form of "set by the input"
        found = self._read_side_file(value, document, place)
        if found is None:
            return Settings(None, document, place, failed=True)
        if found.value is not None and not isinstance(found.value, dict):
            self.problems.append(f"{found.path}:1: must be a mapping of settings")
            return Settings(None, document, place, failed=True)
        return Settings(found.value or {}, found, ())

    def _read_side_file(self, path: str, document: Document, location: Location) -> Document | None:
        context = PathContext(lookup_folders(self.document.path))
        found = context.find(Path(path))
        shown = f"{document.place(location)}: {show_location(location)}"
        if found is None or not found.is_file():
            self.problems.append(f"{shown}: no such file: '{path}' (looked in {context.tried})")
            return None
        try:
            return read_document(_shorten(found))
        except ConfigError as error:
            self.problems += error.problems
            return None

    def _read_inputs(self, job: JobSchema, document: Document, at: Location) -> Iterable[Reference]:
        for target, source in job.input.items():
            wrong = check_form(target, source)
            if wrong is None:
                yield Reference(target, source)
            else:
                place = (*at, "input", target)
                shown = show_location((*at, "input"))
                self.problems.append(f"{document.place(place)}: {shown}: {wrong}")

    def _checked_local(self, job: JobSchema, document: Document, at: Location) -> dict[str, Any]:
        for target in job.local:
            if split_path(target)[0] not in tuple(Section):
                place, shown = document.place((*at, "local", target)), show_location((*at, "local"))
                self.problems.append(
                    f"{place}: {shown}: '{target}' must begin with dj_configs or extra_configs"
                )
        return job.local

    def _validate(self, model: type[Any], value: object, document: Document, at: Location) -> Any:  # noqa: ANN401 (an instance of the model, or None)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            for location, sentence in describe_errors(error, model, value):
                place = document.place((*at, *location))
                shown = show_location((*at, *location)) or "experiment"
                self.problems.append(f"{place}: {shown}: {sentence}")
            return None


def _shorten(path: Path) -> Path:
    """Name a file as the user would: relative where it lies below the working directory."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
