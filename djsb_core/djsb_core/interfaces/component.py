"""What every component has in common: a validated config and a workspace."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Protocol,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

from pydantic import BaseModel, ConfigDict

from djsb_core.interfaces.paths import paths_of
from djsb_core.interfaces.resources import Resources
from djsb_core.metrics import Metric, SampleLayout

if TYPE_CHECKING:
    from djsb_core.hookspecs import DoctorCheck

Scores: TypeAlias = Mapping[str, float]


class ComponentConfig(BaseModel):
    """Settings of one component; unknown keys are errors, so typos never pass silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


@runtime_checkable
class Watcher(Protocol):
    """Where a component reports what it measures, while it runs."""

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Record ``value`` under ``<meta_name>.<name>``; mappings are flattened with dots.

        :param value: a number, a text, or a (nested) mapping of them
        :param name: the metric, ``loss`` for instance; may be empty for a mapping
        :param step: position in a series, for training curves
        """

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Record one value a sample, so that two runs of a metric can be compared in pairs.

        The metric itself is ``sum(values) / sum(weights)`` (weights 1 when not given). Two jobs
        that record the same ``name`` must list the same samples in the same order.

        :param values: one number a sample, in the order of the dataset
        :param name: the metric, ``loss`` for instance
        :param weights: one number a sample; the number of tokens for a loss a token
        """

    def watch_histogram(self, values: Sequence[float], name: str, step: int | None = None) -> None:
        """Record how values are distributed, for the report and the trackers.

        :param values: any number of numbers; those that are not finite are left out
        """

    def watch_media(self, path: Path, name: str, step: int | None = None) -> None:
        """Record an image or a video, told apart by its suffix.

        :param path: the file; in the job's folder it is kept as long as the job's other results
        :raises ValueError: if the suffix is that of neither
        """


class SilentWatcher:
    """A watcher that forgets; used where a component runs outside a job."""

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Forget the metric."""

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Forget the samples."""

    def watch_histogram(self, values: Sequence[float], name: str, step: int | None = None) -> None:
        """Forget the distribution."""

    def watch_media(self, path: Path, name: str, step: int | None = None) -> None:
        """Forget the image or video."""


@dataclass(frozen=True)
class Workspace:
    """Where a component works: the job's own folder, and the watcher of its metrics."""

    folder: Path = field(default_factory=Path.cwd)
    watcher: Watcher = field(default_factory=SilentWatcher)


ConfigT = TypeVar("ConfigT", bound=ComponentConfig)


class Component(ABC, Generic[ConfigT]):
    """A configured part of an experiment, chosen by ``type:``."""

    config_type: ClassVar[type[ComponentConfig]]

    metrics: ClassVar[Sequence[Metric]] = ()
    """What each metric is that the component reports; of several that fit a name, the first."""

    samples: ClassVar[SampleLayout] = SampleLayout()
    """Where the samples are that the component reads and writes, where it does."""

    output_names: ClassVar[tuple[str, ...]] = ("output",)
    """What the component's job returns, in order; the names used where the job gives none."""

    own_process: ClassVar[bool] = False
    """Whether a job with this component gets a new process, which ends with it: for libraries that
    keep state between two uses, or memory of a device."""

    resources: ClassVar[Resources] = Resources()
    """What a job with this component takes of the machine where its ``resources`` do not say so;
    of a machine that has less, all that it has."""

    isolated: ClassVar[Mapping[str, Any]] = {}
    """The environment that ``env: auto`` makes where the current one lacks what this component
    needs: settings as under ``env``, such as ``{"requirements": ["numpy<2"]}``. What its package
    itself depends on is always there."""

    def __init__(self, config: ConfigT, workspace: Workspace | None = None) -> None:
        """Keep the config; open files, devices and environments later, when the job runs."""
        self.config = config
        self.workspace = workspace or Workspace()

    def check(self) -> Sequence[str]:
        """Say what would keep this component from running, one sentence each.

        Called for every job before the first one runs: missing packages and weights, settings
        that pydantic cannot judge. Cheap: no model is loaded and no dataset read through.
        By default, what is required of :meth:`needs` and not there.
        """
        return _missing(self.needs(), required=True)

    def warnings(self) -> Sequence[str]:
        """Say what the user should know before the job runs, one sentence each.

        Called as :meth:`check` is; a note keeps nothing from running: files that will be fetched.
        By default, what is not required of :meth:`needs` and not there.
        """
        return _missing(self.needs(), required=False)

    def needs(self) -> Sequence[DoctorCheck]:
        """List the files, commands, devices and further packages that it needs, there or not.

        ``djsb doctor`` shows them. Cheap, as :meth:`check` is. What the metadata of the
        component's package lists need not be repeated.
        """
        return ()

    def reads(self) -> Sequence[Path]:
        """List the files and folders whose contents decide the result."""
        return paths_of(self.config, writes=False)

    def resumes(self) -> bool:
        """Tell whether the component goes on from what an interrupted execution left.

        Then it works in the folder that this left behind (or at the place that its config names),
        not in an empty one.
        """
        return False

    def writes(self) -> Sequence[Path]:
        """List the files and folders outside the job's folder that the config names for results."""
        return paths_of(self.config, writes=True)


def _missing(needs: Sequence[DoctorCheck], *, required: bool) -> list[str]:
    return [need.sentence for need in needs if not need.ok and need.required is required]


AnyComponent: TypeAlias = Component[Any]
