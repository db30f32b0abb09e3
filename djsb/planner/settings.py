"""The settings of one job: its sections with ``local`` and ``input`` applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from djsb.config.document import read_document
from djsb.config.dotted import get_value, remove_value, set_value, split_path
from djsb.config.frozen import freeze, thaw
from djsb_core.errors import ComponentError
from djsb_core.interfaces.hook import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb.config.experiment import JobSpec
    from djsb.config.references import Reference
    from djsb_core.problems import Location


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


@dataclass(frozen=True)
class JobSettings:
    """A job's settings by section; ``None`` where it has none."""

    dj_configs: Mapping[str, Any] | None
    extra_configs: Mapping[str, Any] | None
    pending: frozenset[Location] = frozenset()
    """Settings whose value comes from an earlier job's result."""

    def section(self, section: Section) -> Mapping[str, Any] | None:
        """Return one section."""
        return self.dj_configs if section is Section.DJ_CONFIGS else self.extra_configs

    def sections(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Return a copy of the sections as plain data: ``dj_configs``, then ``extra_configs``."""
        return thaw(self.dj_configs), thaw(self.extra_configs)

    def is_pending(self, location: Location) -> bool:
        """Return whether the value at a location (or one around or inside it) is still unknown."""
        if not self.pending:
            return False
        shown = tuple(str(part) for part in location)
        return any(_overlap(shown, tuple(map(str, setting))) for setting in self.pending)


class _Draft:
    """A job's settings while they are assembled; only what changes is copied."""

    def __init__(self, sections: Mapping[Section, Any]) -> None:
        self._frozen = dict(sections)
        self._changed: dict[Section, Any] = {}

    def open(self, section: Section) -> Any:  # noqa: ANN401 (a mapping, or none)
        """Return a mutable copy of a section."""
        if section not in self._changed:
            self._changed[section] = thaw(self._frozen[section])
        return self._changed[section]

    def put(self, target: tuple[str, ...], value: Any) -> None:  # noqa: ANN401 (any setting)
        """Set a value.

        :raises KeyError: if the target does not exist
        """
        section, key = Section(target[0]), target[1:]
        if not key:
            self._changed[section] = thaw(value)
            return
        if self.open(section) is None:
            self._changed[section] = {}
        set_value(self._changed[section], key, thaw(value))

    def remove(self, reference: Reference) -> None:
        """Remove the setting that a reference will provide."""
        values = self.open(reference.section)
        if not reference.key:
            self._changed[reference.section] = None
        elif values is not None:
            remove_value(values, reference.key)

    def finish(self, pending: frozenset[Location] = frozenset()) -> JobSettings:
        """Return the immutable settings."""
        recipe, extra = (
            freeze(self._changed[section]) if section in self._changed else self._frozen[section]
            for section in Section
        )
        return JobSettings(recipe, extra, pending)


def _draft(spec: JobSpec, sections: Mapping[Section, Any] | None = None) -> _Draft:
    """Apply a job's ``local`` overrides to its sections, or to ``sections`` instead.

    :raises KeyError: if an override names a key that does not exist
    """
    own = {section: spec.sections[section].values for section in Section}
    draft = _Draft(own | dict(sections or {}))
    for target, value in spec.local.items():
        draft.put(split_path(target), value)
    return draft


def without_bad_overrides(spec: JobSpec) -> tuple[JobSpec, list[KeyError]]:
    """Leave out the ``local`` overrides that name a key that does not exist, with their errors."""
    draft = _Draft({section: spec.sections[section].values for section in Section})
    overrides, unknown, errors = {}, set(spec.unknown), []
    for target, value in spec.local.items():
        try:
            draft.put(split_path(target), value)
        except KeyError as missing:
            errors.append(missing)
            unknown.add(split_path(target))
        else:
            overrides[target] = value
    if not errors:
        return spec, errors
    local = MappingProxyType(overrides)
    return replace(spec, local=local, unknown=frozenset(unknown)), errors


def pending_settings(spec: JobSpec) -> JobSettings:
    """Return the settings as far as they are known before the run; the rest is ``pending``.

    :raises KeyError: if an override names a key that does not exist
    """
    draft = _draft(spec)
    for reference in spec.inputs:
        draft.remove(reference)
    pending: set[Location] = {
        (reference.section.value, *reference.key) for reference in spec.inputs
    }
    pending |= {location for location in spec.unknown if location[0] in tuple(Section)}
    return draft.finish(frozenset(pending))


def with_recipe_of(refiner: JobSettings, spec: JobSpec, settings: JobSettings) -> JobSettings:
    """Give a job the recipe that an earlier job refines, as if it were unchanged.

    :raises KeyError: if an override names a key that does not exist
    """
    sections = {section: refiner.section(section) for section in Section}
    recipe = _draft(spec, sections).finish().dj_configs
    known = (Section.DJ_CONFIGS.value,)
    return replace(settings, dj_configs=recipe, pending=settings.pending - {known})


def resolved_settings(spec: JobSpec, values: Mapping[Reference, Any]) -> JobSettings:
    """Return the settings with every reference replaced by its value.

    :param values: by reference: those of the job's ``input``, and those carried over from the
        last iteration
    :raises ComponentError: if a whole section is replaced by something other than a mapping
    """
    sections = {
        reference.section: _read_section(value, reference)
        for reference, value in values.items()
        if not reference.key  # first: ``local`` and other inputs override it
    }
    draft = _draft(spec, sections)
    for reference, value in values.items():
        if reference.key:
            draft.put((reference.section.value, *reference.key), value)
    return draft.finish()


def _read_section(value: Any, reference: Reference) -> Mapping[str, Any]:  # noqa: ANN401
    if isinstance(value, str | Path):
        value = read_document(Path(value)).value
    if not isinstance(value, dict):
        raise ComponentError(
            f"input {reference.target}: '{reference.source}' is not a mapping of settings"
        )
    section: Mapping[str, Any] = freeze(value)
    return section


def _overlap(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    shorter = min(len(first), len(second))
    return first[:shorter] == second[:shorter]
