"""The settings of one job: its sections with ``local`` and ``input`` applied."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.config.document import read_document
from djsb.config.dotted import get_value, remove_value, set_value, split_path
from djsb_core.errors import ComponentError
from djsb_core.interfaces.hook import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb.config.document import Location
    from djsb.config.experiment import JobSpec
    from djsb.config.references import Reference


@dataclass(frozen=True)
class Source:
    """The earlier output that a reference means."""

    job: int
    """Position of the job in the plan."""
    output: str
    rest: tuple[str, ...] = ()
    """Path inside the output, if it is a mapping or a list."""

    def value_in(self, outputs: Mapping[str, Any]) -> Any:  # noqa: ANN401 (any output)
        """Take the value from the job's outputs.

        :raises ComponentError: if the output has no such part
        """
        try:
            return get_value(outputs[self.output], self.rest)
        except KeyError as missing:
            path = ".".join((self.output, *self.rest))
            raise ComponentError(f"the output '{path}' has no '{missing.args[0]}'") from None


@dataclass
class JobSettings:
    """What a job was given, section by section; ``None`` where it was given nothing."""

    dj_configs: dict[str, Any] | None
    extra_configs: dict[str, Any] | None
    pending: set[Location] = field(default_factory=set)
    """Settings whose value only an earlier job's result gives."""

    def section(self, section: Section) -> dict[str, Any] | None:
        """Return one section."""
        return self.dj_configs if section is Section.DJ_CONFIGS else self.extra_configs

    def set_section(self, section: Section, values: dict[str, Any] | None) -> None:
        """Replace one section."""
        setattr(self, section.value, values)

    def is_pending(self, location: Location) -> bool:
        """Tell whether the value at a location (or one around or inside it) is still unknown."""
        shown = tuple(str(part) for part in location)
        return any(_overlap(shown, tuple(map(str, waiting))) for waiting in self.pending)


def local_settings(spec: JobSpec) -> JobSettings:
    """Copy a job's sections and apply its ``local`` overrides.

    :raises KeyError: if an override names a place that is not there
    """
    return with_local(spec, {section: spec.sections[section].values for section in Section})


def with_local(spec: JobSpec, sections: Mapping[Section, dict[str, Any] | None]) -> JobSettings:
    """Copy sections and apply a job's ``local`` overrides to them.

    :raises KeyError: if an override names a place that is not there
    """
    recipe, extra = (copy.deepcopy(sections[section]) for section in Section)
    settings = JobSettings(recipe, extra)
    for target, value in spec.local.items():
        _put(settings, split_path(target), copy.deepcopy(value))
    return settings


def pending_settings(spec: JobSpec) -> JobSettings:
    """Return the settings as far as they are known before the run; the rest is ``pending``."""
    settings = local_settings(spec)
    for reference in spec.inputs:
        settings.pending.add((reference.section.value, *reference.key))
        values = settings.section(reference.section)
        if not reference.key:
            settings.set_section(reference.section, None)
        elif values is not None:
            remove_value(values, reference.key)
    return settings


def resolved_settings(spec: JobSpec, values: Mapping[Reference, Any]) -> JobSettings:
    """Return the settings with every reference replaced by its value.

    :param values: of each reference: those of the job's ``input``, and what the last iteration
        hands on
    :raises ComponentError: if a whole section is replaced by something that is no mapping
    """
    sections = {section: spec.sections[section].values for section in Section}
    for reference, value in values.items():
        if not reference.key:  # first: ``local`` and other inputs change what it brings
            sections[reference.section] = _read_section(value, reference)
    settings = with_local(spec, sections)
    for reference, value in values.items():
        if reference.key:
            _put(settings, (reference.section.value, *reference.key), value)
    return settings


def _put(settings: JobSettings, target: tuple[str, ...], value: Any) -> None:  # noqa: ANN401
    section, key = Section(target[0]), target[1:]
    if not key:
        settings.set_section(section, value)
        return
    values = settings.section(section)
    if values is None:
        values = {}
        settings.set_section(section, values)
    set_value(values, key, value)


def _read_section(value: Any, reference: Reference) -> dict[str, Any]:  # noqa: ANN401
    if isinstance(value, str | Path):
        value = read_document(Path(value)).value
    if not isinstance(value, dict):
        raise ComponentError(
            f"input {reference.target}: '{reference.source}' gives no mapping of settings"
        )
    return value


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]
