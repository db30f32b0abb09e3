"""Read one job of an experiment file."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from djsb.config.dotted import split_path
from djsb.config.experiment import JobSpec, Settings
from djsb.config.frozen import freeze
from djsb.config.references import Reference, check_form
from djsb.config.schema import JobSchema, Stage
from djsb_core.identity import JobId
from djsb_core.interfaces.hook import Section
from djsb_core.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from djsb.config.document import Document
    from djsb.config.pipelines import PipelineSpec
    from djsb.config.reading import Reading
    from djsb_core.problems import Location


class JobReader:
    """Reads the jobs of one pipeline."""

    def __init__(self, reading: Reading, pipeline: PipelineSpec) -> None:
        self.reading = reading
        self.pipeline = pipeline

    def read(
        self, value: object, stage: Stage, position: int, document: Document, at: Location
    ) -> JobSpec | None:
        """Read a job that stands at a location, or the file that is named there.

        :param position: place in the whole experiment, from 0
        :returns: ``None`` if it cannot be read; the problems are noted
        """
        index = at[-1]
        if isinstance(value, str):
            found = self.reading.side_file(value, document, at)
            if found is None:
                return None
            document, at, value = found, (), found.value
        job = self.reading.validate(JobSchema, value, document, at)
        if job is None:
            return None
        meta_name = job.meta_name or f"{stage.value}_{index}"
        sections = {
            section: self._section(getattr(job, section.value), section, document, at)
            for section in Section
        }
        return JobSpec(
            id=JobId(self.pipeline.name, stage.value, position, meta_name),
            location=at,
            source=document.source,
            hook=job.hook,
            named=bool(job.meta_name),
            sections=MappingProxyType(sections),
            inputs=tuple(self._inputs(job, document, at)),
            output=tuple(job.output) if job.output is not None else None,
            local=freeze(self._local(job, document, at)),
            cache=job.cache,
            timeout=job.timeout,
            retries=job.retries,
            resources=job.resources,
            seed=self.pipeline.seed,
        )

    def _section(
        self, value: dict[str, Any] | str | None, section: Section, document: Document, at: Location
    ) -> Settings:
        place = (*at, section.value)
        if not isinstance(value, str):
            return Settings(freeze(value), document.source, place)
        if value.startswith("<") and value.endswith(">"):
            return Settings(
                None, document.source, place
            )  # the published form of "set by the input"
        found = self.reading.side_file(value, document, place)
        if found is None:
            return Settings(None, document.source, place, failed=True)
        if found.value is not None and not isinstance(found.value, dict):
            text = "must be a mapping of settings"
            self.reading.problems.append(Problem(text, file=found.path, line=1))
            return Settings(None, document.source, place, failed=True)
        return Settings(freeze(found.value or {}), found.source, ())

    def _inputs(self, job: JobSchema, document: Document, at: Location) -> Iterable[Reference]:
        for target, source in job.input.items():
            wrong = check_form(target, source)
            if wrong is None:
                yield Reference(target, self._of_this_repetition(source))
            else:
                key = (*at, "input")
                self.reading.add_problem(document.source, (*key, target), wrong, key=key)

    def _of_this_repetition(self, source: str) -> str:
        """Let a reference inside a pipeline mean its repetition with the same seed."""
        name, dot, rest = source.partition(".")
        return self.pipeline.name + dot + rest if name == self.pipeline.given_name else source

    def _local(self, job: JobSchema, document: Document, at: Location) -> dict[str, Any]:
        for target in job.local:
            if split_path(target)[0] not in tuple(Section):
                text = f"'{target}' must begin with dj_configs or extra_configs"
                key = (*at, "local")
                self.reading.add_problem(document.source, (*key, target), text, key=key)
        return job.local
