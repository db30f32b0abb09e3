"""Overrides of the command line: ``--set execution_job_configs[0].extra_configs.lr=3e-4``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from djsb.config.document import parse_value
from djsb.config.dotted import get_value, set_value, split_path
from djsb.config.schema import ExperimentSchema, Stage
from djsb_core.errors import ConfigError, suggest
from djsb_core.interfaces.hook import Section
from djsb_core.problems import Problem, show_location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from djsb_core.problems import Location

FORM = "write --set KEY[0].KEY=VALUE, or --set JOB.KEY=VALUE with a job's meta_name"
FORM_OF_API = "write KEY[0].KEY, or JOB.KEY with a job's meta_name"
BRACKETS = re.compile(r"\[(-?[0-9]{1,9})\]")


class Overrides:
    """Changes values of an experiment, in place, and remembers which it changed.

    Settings in a file of their own stay unchanged: the job gets a ``local`` override instead.
    """

    def __init__(self, tree: Any) -> None:  # noqa: ANN401 (any tree)
        """Change nothing yet."""
        self._tree = tree
        self.problems: list[Problem] = []
        """Those with the form of overrides."""
        self.labels: dict[Location, Location] = {}
        """What stands in place of file and line in problems with an overridden value."""

    def apply_text(self, text: str) -> None:
        """Apply an option of the command line: ``key.0.key=VALUE``."""
        path, sign, value_text = text.partition("=")
        location = (f"--set {text}",)
        if not sign or not path:
            self.problems.append(Problem(FORM, location=location))
            return
        try:
            value = parse_value(value_text)
        except (yaml.YAMLError, ConfigError, UnicodeEncodeError):
            self.problems.append(Problem("the value is not YAML", location=location))
            return
        self._apply(path, value, location, (f"--set {path}",), FORM)

    def apply(self, path: str, value: object) -> None:
        """Apply an override of the Python API.

        :param path: ``key.0.key``
        """
        location = ("overrides", path)
        self._apply(path, value, location, location, FORM_OF_API)

    def _apply(
        self, path: str, value: object, location: Location, label: Location, form: str
    ) -> None:
        parts = split_path(BRACKETS.sub(r".\1", path))
        try:
            jobs = self._jobs_named(parts)
            if len(jobs) > 1:
                places = " and ".join(map(show_location, jobs))
                text = f"several jobs have this name: {places}"
                self.problems.append(Problem(text, "name one of these", location=location))
                return
            if jobs:
                name = 1 if self._is_job(jobs[0], parts[0]) else 2
                parts = (*map(str, jobs[0]), *parts[name:])
            elif parts[0] not in ExperimentSchema.model_fields and len(parts) > 1:
                names = [*ExperimentSchema.model_fields, *(name for _, name, _ in self._jobs())]
                text = f"no key or job '{parts[0]}'"
                remedy = suggest(parts[0], filter(None, names))
                self.problems.append(Problem(text, remedy, location=location))
                return
            target = _set(self._tree, parts, value)
        except KeyError as missing:
            text = f"no key or index '{missing.args[0]}'"
            self.problems.append(Problem(text, form, location=location))
        else:
            self.labels[_location(self._tree, target)] = label

    def _jobs_named(self, parts: Sequence[str]) -> list[Location]:
        """Find the jobs that a path begins with: ``meta_name`` or ``pipeline.meta_name``."""
        if parts[0] in ExperimentSchema.model_fields or len(parts) == 1:
            return []
        return [
            at
            for pipeline, name, at in self._jobs()
            if name == parts[0] or (pipeline, name) == (parts[0], parts[1])
        ]

    def _is_job(self, at: Location, name: str) -> bool:
        return any(job == name for _, job, place in self._jobs() if place == at)

    def _jobs(self) -> Iterator[tuple[str, str, Location]]:
        """List the jobs in this file that have a name: pipeline, name and place."""
        for pipeline, stages, at in _pipelines(self._tree):
            for stage in Stage:
                jobs = stages.get(stage.key)
                for i, job in enumerate(jobs if isinstance(jobs, list) else ()):
                    name = job.get("meta_name") if isinstance(job, dict) else None
                    if isinstance(name, str):
                        yield pipeline, name, (*at, stage.key, i)


def _pipelines(tree: Any) -> Iterator[tuple[str, Mapping[str, Any], Location]]:  # noqa: ANN401
    """List the pipelines in this file: name, stages and place."""
    if not isinstance(tree, dict):
        return
    yield "anonymous", tree, ()
    value = tree.get("pipelines")
    items: list[tuple[Location, object]] = [((), value)]
    if isinstance(value, list):
        items = [((i,), item) for i, item in enumerate(value)]
    for index, item in items:
        for name, stages in item.items() if isinstance(item, dict) else ():
            if isinstance(stages, dict):
                yield str(name), stages, ("pipelines", *index, name)


def _set(tree: Any, parts: tuple[str, ...], value: object) -> tuple[str, ...]:  # noqa: ANN401
    """Change a value; return the path of what was changed."""
    index = _index_of_section(parts)
    if index is not None:
        job = get_value(tree, parts[:index])
        section = job.get(parts[index]) if isinstance(job, dict) else None
        if isinstance(section, str) and len(parts) > index + 1:
            parts = (*parts[:index], "local", ".".join(parts[index:]))
    set_value(tree, parts, value)
    return parts


def _index_of_section(parts: Sequence[str]) -> int | None:
    """Return the index of a job's section: ``….execution_job_configs.0.extra_configs.…``."""
    stages = {stage.key for stage in Stage}
    for i in range(2, len(parts)):
        if parts[i] in tuple(Section) and parts[i - 2] in stages:
            return i
    return None


def _location(tree: Any, parts: Sequence[str]) -> Location:  # noqa: ANN401
    """Return a path with indices as numbers, as locations have them."""
    location: list[str | int] = []
    for part in parts:
        key: str | int = part
        if isinstance(tree, list):
            key = range(len(tree))[int(part)]
        location.append(key)
        tree = tree[key]
    return tuple(location)
