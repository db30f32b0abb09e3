"""The hook interface: runs one job with the component chosen in its settings."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from djsb_core.interfaces.component import (
    AnyComponent,
    Component,
    ComponentConfig,
    ConfigT,
    Watcher,
    Workspace,
)
from djsb_core.metrics import Declarations
from djsb_core.text_enum import TextEnum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Outputs: TypeAlias = tuple[Any, ...]


class Role(TextEnum):
    """The purpose of a job, independent of the name of its hook."""

    PROBE = "probe"
    """Inspects data or a model and changes nothing."""
    REFINE = "refine"
    """Changes a recipe."""
    PROCESS = "process"
    """Creates a dataset from others."""
    TRAIN = "train"
    INFER = "infer"
    EVALUATE = "evaluate"
    """Scores a dataset or a model."""


class Section(TextEnum):
    """The two parts of a job that hold settings."""

    DJ_CONFIGS = "dj_configs"
    EXTRA_CONFIGS = "extra_configs"


@dataclass(frozen=True)
class Slot:
    """The kind of component that a hook uses, and the section with the component's settings."""

    interface: type[AnyComponent]
    section: Section = Section.EXTRA_CONFIGS
    default: str | None = None
    """The component's name if the job's ``extra_configs`` have no ``type``."""


ComponentT = TypeVar("ComponentT", bound=AnyComponent)


@dataclass(frozen=True)
class JobContext(Generic[ComponentT]):
    """What a hook knows about the job it runs."""

    meta_name: str
    pipeline: str
    stage: str
    component: ComponentT
    workspace: Workspace
    dj_configs: Mapping[str, Any]
    """The job's recipe, with ``local`` and ``input`` applied; empty if it has none."""

    query: Callable[[str], Mapping[str, Any]]
    """Metrics of the latest earlier job with a ``meta_name``:
    ``query("probe")["text_len.mean"]``."""

    @property
    def watcher(self) -> Watcher:
        """The watcher of this job."""
        return self.workspace.watcher


class Hook(Component[ConfigT], Generic[ConfigT, ComponentT]):
    """Runs one job of a stage.

    ``extra_configs`` (without ``type``) go to the component, or to the hook's own
    ``config_type`` when its component is configured by ``dj_configs`` or when it uses none.
    """

    config_type: ClassVar[type[ComponentConfig]] = ComponentConfig

    role: ClassVar[Role | None] = None
    """The purpose of its jobs; ``None`` if it is none of these."""

    uses: ClassVar[Slot | None] = None
    """The component that the hook uses; ``None`` if it uses none."""

    outputs_of_component: ClassVar[bool] = False
    """Whether the ``output_names`` are those of the component, not of the hook."""

    takes_recipe: ClassVar[bool] = False
    """Whether the job has ``dj_configs``."""

    returns_recipe: ClassVar[bool] = False
    """Whether the first output is the path of a recipe shaped like the job's ``dj_configs``."""

    named_after_probe: ClassVar[bool] = False
    """Whether the job's ``meta_name`` is that of the earlier job whose metrics it reads."""

    asks_for_metrics: ClassVar[bool] = True
    """Whether :meth:`run` may call ``context.query``; if so, a change in any earlier job makes the
    job run again on a resume, not only a change in those that its ``input`` names."""

    @abstractmethod
    def run(self, context: JobContext[ComponentT]) -> Outputs:
        """Run the job and return its outputs, in the order of ``output_names``."""


@lru_cache(maxsize=1024)
def declarations_of(
    hook: type[Hook[Any, Any]], component: type[AnyComponent] | None
) -> Declarations:
    """Return what a job's component and hook declare; the component takes precedence.

    The setting that names the dataset is prefixed with its section of the job.
    """
    if component is None:
        return Declarations(tuple(hook.metrics), hook.samples)
    section = hook.uses.section if hook.uses else Section.EXTRA_CONFIGS
    samples = component.samples
    if samples.dataset is not None:
        samples = replace(samples, dataset=f"{section.value}.{samples.dataset}")
    return Declarations((*component.metrics, *hook.metrics), samples)
