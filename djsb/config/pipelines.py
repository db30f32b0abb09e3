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
    """One pipeline as it was read: its name, and where its stages stand."""

    name: str
    stages: Mapping[str, Any] | None
    """``None`` if they (and perhaps the name) could not be read; the problem is noted."""
    document: Document
    location: Location
    complete: bool = True
    """Whether all of its keys are known; else jobs may be missing."""
    seed: int | None = None
    """The seed with which it is repeated, if it has ``seeds``."""

    @property
    def given_name(self) -> str:
        """The name in the file, which references inside the pipeline use."""
        return split_seed(self.name)[0]


def read_pipelines(tree: Mapping[str, Any], reading: Reading) -> list[PipelineSpec]:
    """Find the pipelines of an experiment, in their order; problems are noted."""
    given = tree.get("pipelines")
    if given is None or given in ([], {}):
        known = set(tree) <= set(ExperimentSchema.model_fields)
        return list(_repeated(PipelineSpec(ANONYMOUS, tree, reading.document, (), known)))
    outside = [key for key in STAGES if tree.get(key)]
    if outside:
        place = reading.document.source.place((outside[0],))
        text = f"there are also {', '.join(outside)} outside of them ({place}); use one form"
        reading.add_problem(reading.document.source, ("pipelines",), text)
    if tree.get("seeds"):
        text = "give them inside a pipeline: '- name: {seeds: […], execution_job_configs: […]}'"
        reading.add_problem(reading.document.source, ("seeds",), text)
    return [one for pipeline in _named(given, reading) for one in _repeated(pipeline)]


def _repeated(pipeline: PipelineSpec) -> Iterator[PipelineSpec]:
    """Repeat a pipeline for each of its seeds, if it has some (and they are right)."""
    seeds = pipeline.stages.get("seeds") if pipeline.stages else None
    right = isinstance(seeds, list) and all(type(seed) is int for seed in seeds)
    if not seeds or not right or not pipeline.complete:
        yield pipeline
        return
    for seed in seeds:
        yield replace(pipeline, name=name_with_seed(pipeline.name, seed), seed=seed)


def _named(given: object, reading: Reading) -> Iterator[PipelineSpec]:
    first: dict[str, Location] = {}
    for name, value, location in _entries(given, reading):
        if not location:
            yield PipelineSpec(name, None, reading.document, location)
            continue
        wrong = _wrong_name(name)
        if name in first:
            wrong = f"another pipeline has this name ({reading.document.source.place(first[name])})"
        first.setdefault(name, location)
        if wrong is not None:
            reading.add_problem(reading.document.source, location, wrong)
        yield _read(name, value, reading, location)


def _entries(given: object, reading: Reading) -> Iterator[tuple[str, Any, Location]]:
    """Yield name, value and location of each pipeline; no location for what is none."""
    if isinstance(given, dict):
        for name, value in given.items():
            yield name, value, ("pipelines", name)
        return
    if not isinstance(given, list):
        reading.add_problem(
            reading.document.source, ("pipelines",), f"should hold pipelines; {FORM}"
        )
        yield "", None, ()
        return
    for i, item in enumerate(given):
        if isinstance(item, dict) and len(item) == 1:
            ((name, value),) = item.items()
            yield name, value, ("pipelines", i, name)
        else:
            reading.add_problem(reading.document.source, ("pipelines", i), _wrong_item(item))
            yield "", None, ()


def _wrong_item(item: object) -> str:
    if isinstance(item, dict) and len(item) > 1:
        keys = ", ".join(item)
        shown = keys if len(keys) <= 80 else f"{keys[:80]}…"  # noqa: PLR2004 (fits a line)
        return f"should have one key, the pipeline's name, but has {shown}; indent its stages"
    return f"should be a name with its stages; {FORM}"


def _wrong_name(name: str) -> str | None:
    back = name.startswith("-") and INDEX.fullmatch(name)
    if back or not re.fullmatch(r"[^.\s]+", name):
        return "this name cannot be referred to; give a word without dots and spaces"
    return None


def _read(name: str, value: object, reading: Reading, location: Location) -> PipelineSpec:
    document, at = reading.document, location
    if isinstance(value, str):
        found = reading.side_file(value, document, location)
        if found is None:
            return PipelineSpec(name, None, document, location)
        document, at, value = found, (), found.value
    stages = {} if value is None else value
    if not isinstance(stages, dict):
        text = "should be a mapping of the four stages"
        reading.add_problem(document.source, at, text, key=(name,))
        return PipelineSpec(name, None, document, at)
    # The lists of jobs are read one by one, later; here only the keys are checked.
    keys = {key: [] if key in STAGES else given for key, given in stages.items()}
    known = reading.validate(StagesSchema, keys, document, at) is not None
    return PipelineSpec(name, stages, document, at, known)
