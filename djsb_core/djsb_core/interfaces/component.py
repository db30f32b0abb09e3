"""What every component has in common: a validated config and a workspace."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
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
    from djsb_core.interfaces.dropped import DroppedRows

Scores: TypeAlias = Mapping[str, float]


class ComponentConfig(BaseModel):
    """Settings of a component; unknown keys are errors, so typos never pass silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


@runtime_checkable
class Watcher(Protocol):
    """Receives what a component measures while it runs."""

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Record ``value`` under ``<meta_name>.<name>``; mappings are flattened with dots.

        :param value: a number, a string, or a (nested) mapping of them
        :param name: the metric, such as ``loss``; may be empty for a mapping
        :param step: position in a series, for training curves
        """

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Record one value per sample, which allows a paired comparison of two runs.

        The metric itself is ``sum(values) / sum(weights)`` (by default all weights are 1). Two
        jobs that record the same ``name`` must list the same samples in the same order.

        :param values: one number per sample, in the order of the dataset
        :param name: the metric, such as ``loss``
        :param weights: one number per sample, such as the number of tokens for a loss per token
        """

    def watch_histogram(self, values: Sequence[float], name: str, step: int | None = None) -> None:
        """Record the distribution of values, for the report and the trackers.

        :param values: any number of values; those that are not finite are left out
        """

    def watch_media(self, path: Path, name: str, step: int | None = None) -> None:
        """Record an image or a video, distinguished by its suffix.

        :param path: the file; in the job's folder it is kept as long as the job's other results
        :raises ValueError: if the suffix belongs to neither
        """

    def watch_dropped(self, dropped: DroppedRows) -> None:
        """Record which rows of its input the job's result lacks, and which step removed each."""


class SilentWatcher:
    """A watcher that discards everything; used if a component runs outside a job."""

    def watch(self, value: object, name: str, step: int | None = None) -> None:
        """Discard the metric."""

    def watch_samples(
        self, values: Sequence[float], name: str, weights: Sequence[float] | None = None
    ) -> None:
        """Discard the samples."""

    def watch_histogram(self, values: Sequence[float], name: str, step: int | None = None) -> None:
        """Discard the distribution."""

    def watch_media(self, path: Path, name: str, step: int | None = None) -> None:
        """Discard the image or video."""

    def watch_dropped(self, dropped: DroppedRows) -> None:
        """Discard the rows."""


@dataclass(frozen=True)
class Workspace:
    """The working environment of a component: the job's own folder, and its watcher."""

    folder: Path = field(default_factory=Path.cwd)
    watcher: Watcher = field(default_factory=SilentWatcher)


ConfigT = TypeVar("ConfigT", bound=ComponentConfig)


class Component(ABC, Generic[ConfigT]):
    """A configured part of an experiment, chosen by ``type:``."""

    config_type: ClassVar[type[ComponentConfig]]

    metrics: ClassVar[Sequence[Metric]] = ()
    """Declarations of the metrics that it reports; the first one that matches a name applies."""

    samples: ClassVar[SampleLayout] = SampleLayout()
    """Where the component reads and writes samples, if it does."""

    output_names: ClassVar[tuple[str, ...]] = ("output",)
    """Names of the job's outputs, in order, unless the job sets its own."""

    neutral: ClassVar[AbstractSet[str]] = frozenset()
    """Settings that cannot change the result, such as a number of processes: with another value, a
    finished job is reused. Dots nest, ``*`` is any key or index: ``process.*.*.num_proc``."""

    keeps_partial_results: ClassVar[bool] = False
    """Whether it keeps in ``workspace.folder`` what it has computed so far. An execution after an
    interruption or a failure then gets the same folder: the settings, code and files that
    determine the result are the same."""

    reads_environment: ClassVar[Sequence[str]] = ()
    """Names of environment variables whose values determine the result; secret values are not
    stored. A property of the same name may choose them by the config."""

    own_process: ClassVar[bool] = False
    """Whether a job with this component gets a new process, which ends with it: for libraries that
    keep state or device memory between two uses."""

    resources: ClassVar[Resources] = Resources()
    """Default resources of a job with this component; if the machine has less, all that it has."""

    isolated: ClassVar[Mapping[str, Any]] = {}
    """The environment that ``env: auto`` creates if the current one lacks what this component
    needs: settings as under ``env``, such as ``{"requirements": ["numpy<2"]}``. The dependencies
    of its package are always included."""

    def __init__(self, config: ConfigT, workspace: Workspace | None = None) -> None:
        """Store the config; open files, devices and environments later, when the job runs."""
        self.config = config
        self.workspace = workspace or Workspace()

    def check(self) -> Sequence[str]:
        """List what would prevent this component from running, one message per problem.

        Called for every job before the first one runs: missing packages and weights, settings
        that pydantic cannot validate. Cheap: no model is loaded and no dataset is read in full.
        By default, the required items of :meth:`needs` that are missing.
        """
        return _missing(self.needs(), required=True)

    def warnings(self) -> Sequence[str]:
        """List what the user should know before the job runs, one message per warning.

        Called like :meth:`check`; a warning does not prevent a run: files to be downloaded.
        By default, the optional items of :meth:`needs` that are missing.
        """
        return _missing(self.needs(), required=False)

    def needs(self) -> Sequence[DoctorCheck]:
        """List the files, commands, devices and additional packages that it needs.

        ``djsb doctor`` shows them. Cheap, like :meth:`check`. Dependencies in the metadata of the
        component's package need not be repeated.
        """
        return ()

    def reads(self) -> Sequence[Path]:
        """List the files and folders whose contents determine the result."""
        return paths_of(self.config, writes=False)

    def reads_many(self) -> Sequence[Path]:
        """List further files that determine the result, in any number: those that rows name.

        Where they are too many to be read, they count by name, size and time of change. Called
        twice for every job, so what it takes from a dataset should be cached.
        """
        return ()

    def uses_packages(self) -> Sequence[str]:
        """List installed packages that determine the result, in addition to what its own requires.

        With another version of one of them, a finished job is executed again.
        """
        return ()

    def resumes(self) -> bool:
        """Return whether the component resumes an interrupted execution.

        If so, it works in the folder of that execution (or at the path in its config), not in an
        empty one.
        """
        return False

    def writes(self) -> Sequence[Path]:
        """List the files and folders outside the job's folder to which results are written."""
        return paths_of(self.config, writes=True)


def _missing(needs: Sequence[DoctorCheck], *, required: bool) -> list[str]:
    return [need.sentence for need in needs if not need.ok and need.required is required]


AnyComponent: TypeAlias = Component[Any]
