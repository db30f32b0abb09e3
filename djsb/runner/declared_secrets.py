"""The secrets of a plan: those known by their names, and those that components declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from djsb_core.interfaces.secrets import secrets_in
from djsb_core.job.perform import split_settings
from djsb_core.masking import MASK, Masker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb.planner.planned import Plan, PlannedJob
    from djsb_core.interfaces.secrets import NamedSecret


class PlanMasker(Masker):
    """Replaces the secrets of a plan: by their names and values, and those that are declared."""

    declared: frozenset[tuple[str, str]] = frozenset()
    """Names and values of the settings that components declare to be secret."""

    @classmethod
    def of_plan(cls, plan: Plan) -> PlanMasker:
        """Collect the secrets in the experiment, its settings files and the environment."""
        sections = [section.values for job in plan.jobs for section in job.spec.sections.values()]
        declared = [secret for job in plan.jobs for secret in _secrets_of(job)]
        values = {"secret": [value for _, value in declared]}
        masker = cast("PlanMasker", cls.of([plan.experiment.document.value, sections, values]))
        masker.declared = frozenset((name, str(value)) for name, value in declared)
        return masker

    def value(self, value: Any) -> Any:  # noqa: ANN401 (any settings)
        """Mask nested settings; a short secret of a component under its own name only."""
        if self.declared and isinstance(value, Mapping):
            value = {key: self._without_declared(str(key), item) for key, item in value.items()}
        return super().value(value)

    def _without_declared(self, key: str, value: Any) -> Any:  # noqa: ANN401 (any setting)
        if isinstance(value, list | tuple):
            return [self._without_declared(key, item) for item in value]
        return MASK if (key.rpartition(".")[2], str(value)) in self.declared else value


def _secrets_of(job: PlannedJob) -> Iterator[NamedSecret]:
    sections = job.settings.sections()
    values, hook_values = split_settings(job.hook, *sections)
    if job.component is not None:
        yield from secrets_in(job.component.config_type, values)
    yield from secrets_in(job.hook.config_type, hook_values)
