"""Find the pipelines of an experiment file: a list, a mapping, or the one without a name."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from djsb.config.dotted import INDEX
from djsb.config.experiment import ANONYMOUS, name_with_seed, split_seed
from djsb.config.schema import ExperimentSchema, Stage, StagesSchema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from djsb.config.document import Document
    from djsb.config.reading import Reading
    from djsb_core.problems import Location

STAGES = tuple(stage.key for stage in Stage)
FORM = "write a list of '- name: {execution_job_configs: […]}', or a mapping of names to stages"


@dataclass(frozen=True)
class PipelineSpec:
    """One pipeline as read: its name, and where its stages are."""

    name: str
    stages: Mapping[str, Any] | None
    """``None`` if they (and perhaps the name) could not be read; the problem is recorded."""
    document: Document
    location: Location
    complete: bool = True
    """Whether all of its keys are known; otherwise jobs may be missing."""
    seed: int | None = None
    """The seed with which it is repeated, if it has ``seeds``."""

    @property
    def given_name(self) -> str:
        """The name in the file, which references inside the pipeline use."""
        return split_seed(self.name)[0]


def read_pipelines(tree: Mapping[str, Any], reading: Reading) -> list[PipelineSpec]:
    """Find the pipelines of an experiment, in order; problems are recorded."""
    value = tree.get("pipelines")
    if value is None or value in ([], {}):
        known = set(tree) <= set(ExperimentSchema.model_fields)
        return list(_repetitions(PipelineSpec(ANONYMOUS, tree, reading.document, (), known)))
    outside = [key for key in STAGES if tree.get(key)]
    if outside:
        place = reading.document.source.place((outside[0],))
        text = (
            f"stages also set outside the pipelines: {', '.join(outside)} ({place}); use one form"
        )
        reading.add_problem(reading.document.source, ("pipelines",), text)
    if tree.get("seeds"):
        text = "give them inside a pipeline: '- name: {seeds: […], execution_job_configs: […]}'"
        reading.add_problem(reading.document.source, ("seeds",), text)
    return [
        repetition
        for pipeline in _read_all(value, reading)
        for repetition in _repetitions(pipeline)
    ]


def _repetitions(pipeline: PipelineSpec) -> Iterator[PipelineSpec]:
    """Repeat a pipeline for each of its seeds, if it has valid ones."""
    seeds = pipeline.stages.get("seeds") if pipeline.stages else None
    valid = isinstance(seeds, list) and all(type(seed) is int for seed in seeds)
    if not seeds or not valid or not pipeline.complete:
        yield pipeline
        return
    for seed in seeds:
        yield replace(pipeline, name=name_with_seed(pipeline.name, seed), seed=seed)


def _read_all(definition: object, reading: Reading) -> Iterator[PipelineSpec]:
    first: dict[str, Location] = {}
    for name, stages, location in _entries(definition, reading):
        if not location:
            yield PipelineSpec(name, None, reading.document, location)
            continue
        problem = _name_problem(name)
        if name in first:
            problem = (
                f"another pipeline has this name ({reading.document.source.place(first[name])})"
            )
        first.setdefault(name, location)
        if problem is not None:
            reading.add_problem(reading.document.source, location, problem)
        yield _read(name, stages, reading, location)


def _entries(definition: object, reading: Reading) -> Iterator[tuple[str, Any, Location]]:
    """Yield name, value and location of each pipeline; an invalid one has no location."""
    if isinstance(definition, dict):
        for name, value in definition.items():
            yield name, value, ("pipelines", name)
        return
    if not isinstance(definition, list):
        reading.add_problem(
            reading.document.source, ("pipelines",), f"should hold pipelines; {FORM}"
        )
        yield "", None, ()
        return
    for i, item in enumerate(definition):
        if isinstance(item, dict) and len(item) == 1:
            ((name, value),) = item.items()
            yield name, value, ("pipelines", i, name)
        else:
            reading.add_problem(reading.document.source, ("pipelines", i), _item_problem(item))
            yield "", None, ()


def _item_problem(item: object) -> str:
    if isinstance(item, dict) and len(item) > 1:
        keys = ", ".join(item)
        shown = keys if len(keys) <= 80 else f"{keys[:80]}…"  # noqa: PLR2004 (fits a line)
        return f"should have one key, the pipeline's name, but has {shown}; indent its stages"
    return f"should be a name with its stages; {FORM}"


def _name_problem(name: str) -> str | None:
    back = name.startswith("-") and INDEX.fullmatch(name)
    if back or not re.fullmatch(r"[^.\s]+", name):
        return "this name cannot be referred to; give a word without dots and spaces"
    return None


def _read(name: str, value: object, reading: Reading, location: Location) -> PipelineSpec:
    document, at = reading.document, location
    if isinstance(value, str):
        side_file = reading.side_file(value, document, location)
        if side_file is None:
            return PipelineSpec(name, None, document, location)
        document, at, value = side_file, (), side_file.value
    stages = {} if value is None else value
    if not isinstance(stages, dict):
        text = "should be a mapping of the four stages"
        reading.add_problem(document.source, at, text, key=(name,))
        return PipelineSpec(name, None, document, at)
    # The lists of jobs are read one by one, later; here only the keys are checked.
    keys = {key: [] if key in STAGES else jobs for key, jobs in stages.items()}
    known = reading.validate(StagesSchema, keys, document, at) is not None
    return PipelineSpec(name, stages, document, at, known)
