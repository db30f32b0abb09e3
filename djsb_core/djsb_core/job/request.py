"""A job as plain data, so that any process can run it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from djsb_core.identity import JobId
from djsb_core.interfaces.paths import PathContext
from djsb_core.job.reports import plain
from djsb_core.masking import Masker

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class JobRequest:
    """Everything needed to run one job, as plain data: it may run in another process."""

    hook: str
    component: str | None
    """Name of the component, of the kind that the hook uses."""
    dj_configs: dict[str, Any] | None
    extra_configs: dict[str, Any] | None
    id: JobId
    folder: Path
    """Working folder of the component."""
    log: Path
    lookup: tuple[Path, ...]
    """Folders in which relative paths are looked up."""
    outputs: Mapping[Path, Path]
    """Where results are written, by the path in the settings."""
    placed: Mapping[Path, Path]
    """Where results of earlier jobs are, by the path in their settings."""
    metrics: Mapping[str, Mapping[str, Any]]
    """Metrics of earlier jobs, for a hook that queries them."""
    output_names: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables to set before its component is imported: GPUs, threads."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Secrets of the run, masked in the log and in names; never written."""

    def to_json(self) -> dict[str, Any]:
        """Return what :meth:`from_json` takes."""
        return cast("dict[str, Any]", plain(asdict(self)))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> JobRequest:
        """Build a request from JSON."""
        paths = {key: Path(value[key]) for key in ("folder", "log")}
        maps = {
            key: {Path(name): Path(place) for name, place in value[key].items()}
            for key in ("outputs", "placed")
        }
        lookup = tuple(map(Path, value["lookup"]))
        tuples = {key: tuple(value.get(key, ())) for key in ("output_names", "secrets")}
        parts = {"id": JobId(**value["id"]), "lookup": lookup, **tuples}
        return cls(**{**value, **paths, **maps, **parts})

    @cached_property
    def masker(self) -> Masker:
        """Masks the secrets of the run, of the job's settings and of this environment."""
        own = Masker.of([self.dj_configs, self.extra_configs])
        return Masker([*self.secrets, *own.secrets])

    @property
    def context(self) -> PathContext:
        """What is known about the paths in the settings."""
        return PathContext(self.lookup, placed=self.placed, outputs=self.outputs)
