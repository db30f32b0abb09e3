"""A checked experiment: its jobs, loaded and bound to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from djsb_core.interfaces.hook import Hook, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb_core.config.experiment import Experiment, JobSpec
    from djsb_core.config.references import Reference
    from djsb_core.discovery import Offer
    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.runner.settings import JobSettings, Source


@dataclass
class PlannedJob:
    """One job whose hook and component are loaded and whose settings are checked."""

    spec: JobSpec
    hook: type[Hook[Any, Any]]
    hook_offer: Offer
    component: type[AnyComponent] | None
    component_offer: Offer | None
    settings: JobSettings
    sources: Mapping[Reference, Source] = field(default_factory=dict)
    probe: int | None = None
    """Position of the job whose metrics this one reads, for a refinement."""

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the job returns, in order: the file's names, else those of the hook."""
        return self.spec.output or self.returned_names

    @property
    def returned_names(self) -> tuple[str, ...]:
        """The names that the hook (or its component) gives to what the job returns."""
        if self.hook.outputs_of_component and self.component is not None:
            return self.component.output_names
        return self.hook.output_names

    def split(self, settings: JobSettings) -> tuple[dict[str, Any], dict[str, Any]]:
        """Split the job's settings into those of its component and those of its hook."""
        extra = {k: v for k, v in (settings.extra_configs or {}).items() if k != "type"}
        slot = self.hook.uses
        if slot is None:
            return {}, extra
        if slot.section is Section.DJ_CONFIGS:
            return settings.dj_configs or {}, extra
        return extra, {}


@dataclass(frozen=True)
class Plan:
    """A checked experiment: what will run, in which order."""

    experiment: Experiment
    jobs: tuple[PlannedJob, ...]
