"""What can be known of a job of which a part could not be read or loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from djsb.config.dotted import get_value
from djsb.config.problems import UNKNOWN_KEY, describe_errors
from djsb.planner.settings import pending_settings
from djsb_core.interfaces.hook import Section
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.paths import expand_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

    from djsb.config.experiment import JobSpec
    from djsb.planner.paths import PlannedPaths
    from djsb.planner.settings import JobSettings
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.problems import Location, Problem


def certain_errors(  # noqa: PLR0913 (what a validation takes, and what it says)
    error: ValidationError,
    model: type[BaseModel],
    values: object,
    spec: JobSpec,
    *,
    settings: JobSettings,
    section: Section,
) -> Iterator[Problem]:
    """Yield the problems of a job's settings that are certain, though some are still unknown."""
    for problem in describe_errors(error, model, values):
        location = (section.value, *problem.location)
        may_be_unread = spec.incomplete and not _is_in(values, problem.location)
        if not may_be_unread and not settings.is_pending(location):
            yield spec.problem(location, problem.text, problem.remedy)


def errors_without_hook(
    spec: JobSpec, component: type[AnyComponent], paths: PlannedPaths
) -> Iterator[Problem]:
    """Yield the invalid values of a job whose hook is unknown, but not its component.

    Which settings are missing or unknown depends on the hook.
    """
    settings, section = pending_settings(spec), Section.EXTRA_CONFIGS
    chosen = {"type", *ENVIRONMENT_KEYS}
    values = {
        key: value for key, value in (settings.sections()[1] or {}).items() if key not in chosen
    }
    try:
        component.config_type.model_validate(values, context=paths)
    except ValidationError as error:
        errors = certain_errors(
            error, component.config_type, values, spec, settings=settings, section=section
        )
        start = len(spec.location) + 1
        for problem in errors:
            if problem.text != UNKNOWN_KEY and _is_in(values, problem.location[start:]):
                yield problem


def expect_results(spec: JobSpec, paths: PlannedPaths) -> None:
    """Let later jobs find what a job may write whose hook or component is unknown."""
    settings = pending_settings(spec)
    texts = _texts_in([settings.dj_configs, settings.extra_configs])
    here = paths.folders[0]
    results = paths.resolved(here / path for path in map(_expanded, texts) if path is not None)
    paths.expect(result for result in results if result not in {here, *here.parents})


def _expanded(text: str) -> Path | None:
    try:
        return expand_path(text)
    except ValueError:
        return None


def _texts_in(values: object) -> Iterator[str]:
    """List the texts in nested settings."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from _texts_in(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _texts_in(value)


def _is_in(values: object, location: Location) -> bool:
    """Return whether nested settings have a value at a location."""
    try:
        get_value(values, [str(part) for part in location])
    except KeyError:
        return False
    return True
