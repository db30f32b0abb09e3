"""Read one job of an experiment file."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from djsb.config.dotted import split_path
from djsb.config.experiment import JobSpec, Settings
from djsb.config.frozen import freeze
from djsb.config.references import Reference, check_form, check_override
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
        """Read the job at a location, or the file named there.

        :param position: position in the whole experiment, from 0
        :returns: ``None`` if it cannot be read; the problems are recorded
        """
        index = at[-1]
        if isinstance(value, str):
            side_file = self.reading.side_file(value, document, at)
            if side_file is None:
                return None
            document, at, value = side_file, (), side_file.value
        job, faulty = self.reading.salvage(JobSchema, value, document, at, {"hook": ""})
        if job is None:
            return None
        unread = _Unread(faulty, named=job.meta_name is not None)
        meta_name = job.meta_name or f"{stage.value}_{index}"
        sections = {
            section: self._section(getattr(job, section.value), section, document, at)
            for section in Section
        }
        unread.locations |= {
            (section.value,) for section, settings in sections.items() if settings.failed
        }
        inputs = tuple(self._inputs(job, document, at, unread))
        local = freeze(self._local(job, document, at, unread))
        return JobSpec(
            id=JobId(self.pipeline.name, stage.value, position, meta_name),
            location=at,
            source=document.source,
            hook=job.hook,
            named=bool(job.meta_name),
            sections=MappingProxyType(sections),
            inputs=inputs,
            output=tuple(job.output) if job.output is not None else None,
            local=local,
            cache=job.cache,
            timeout=job.timeout,
            retries=job.retries,
            resources=job.resources,
            seed=self.pipeline.seed,
            unknown=frozenset(unread.locations),
            incomplete=unread.incomplete,
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
        side_file = self.reading.side_file(value, document, place)
        if side_file is None:
            return Settings(None, document.source, place, failed=True)
        if side_file.value is not None and not isinstance(side_file.value, dict):
            text = "must be a mapping of settings"
            self.reading.problems.append(Problem(text, file=side_file.path, line=1))
            return Settings(None, document.source, place, failed=True)
        return Settings(freeze(side_file.value or {}), side_file.source, ())

    def _inputs(
        self, job: JobSchema, document: Document, at: Location, unread: _Unread
    ) -> Iterable[Reference]:
        for target, source in job.input.items():
            problem = check_form(target, source)
            if problem is None:
                yield Reference(target, self._with_own_seed(source))
            else:
                unread.add_setting(target)
                key = (*at, "input")
                self.reading.add_problem(document.source, (*key, target), problem, key=key)

    def _with_own_seed(self, source: str) -> str:
        """Resolve a reference inside a pipeline to the repetition with the same seed."""
        name, dot, rest = source.partition(".")
        return self.pipeline.name + dot + rest if name == self.pipeline.given_name else source

    def _local(
        self, job: JobSchema, document: Document, at: Location, unread: _Unread
    ) -> dict[str, Any]:
        """Return the overrides whose form is right; the others are reported."""
        overrides: dict[str, Any] = {}
        for target, value in job.local.items():
            problem = check_override(target, value)
            if problem is None:
                overrides[target] = value
            else:
                unread.add_setting(target)
                key = (*at, "local")
                self.reading.add_problem(document.source, (*key, target), problem, key=key)
        return overrides


class _Unread:
    """What of a job could not be read, so that it causes no second problem."""

    def __init__(self, faulty: Iterable[Location], *, named: bool) -> None:
        """Take the locations of the invalid values.

        :param named: whether the job has a valid ``meta_name``
        """
        self.locations: set[Location] = set()
        self.incomplete = False
        for location in faulty:
            key, *inner = location
            if key in {"input", "local"} and inner:
                self.add_setting(str(inner[0]))
            elif key in JobSchema.model_fields and key not in {"input", "local"}:
                self.locations.add((key,))
            else:  # perhaps a misspelt key
                self.incomplete = True
        if self.incomplete and not named:
            self.locations.add(("meta_name",))

    def add_setting(self, target: str) -> None:
        """Note that the value of a setting, or which setting is meant, is unknown."""
        parts = split_path(target)
        if parts[0] in tuple(Section) and "" not in parts:
            self.locations.add(parts)
        else:
            self.incomplete = True
