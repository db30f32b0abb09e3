"""What the store gives back: runs and jobs as plain objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.interfaces.hook import Role
from djsb_core.job.reports import FILES, plain
from djsb_core.metrics import Declarations, MetricKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from djsb_core.metrics import Metric

UNJUDGED = (Role.REFINE, Role.PROCESS, Role.TRAIN, Role.INFER)
"""Jobs with these roles see different data: their numbers differ, and none is better."""


@dataclass(frozen=True)
class RunRecord:
    """One run as it was recorded."""

    id: str
    project_name: str
    experiment_name: str
    experiment_file: str
    """Absolute; in records of early versions, as it was typed."""
    settings: Mapping[str, Any]
    folder: Path
    status: str
    reason: str | None
    started: float
    seconds: float | None
    pid: int
    sweep: str | None = None
    """Id of the sweep that it belongs to."""
    sweep_name: str | None = None

    @classmethod
    def of(cls, row: sqlite3.Row) -> RunRecord:
        """Read one row of ``runs``, with the name of its sweep."""
        values = dict(row)
        values["experiment_file"] = values.pop("experiment")
        values["settings"] = json.loads(values["settings"])
        values["folder"] = Path(values["folder"])
        return cls(**values)

    @property
    def experiment(self) -> str:
        """The experiment file as a user names it: from here, where it lies below."""
        path = Path(self.experiment_file)
        here = Path.cwd()
        return str(path.relative_to(here)) if path.is_relative_to(here) else self.experiment_file


@dataclass(frozen=True)
class SweepRecord:
    """One sweep as it was set up."""

    id: str
    name: str
    project_name: str
    config: Mapping[str, Any]
    """As it was given, without secrets."""
    created: float
    """Seconds since the epoch."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> SweepRecord:
        """Read one row of ``sweeps``."""
        values = dict(row)
        values["config"] = json.loads(values["config"])
        return cls(**values)


@dataclass(frozen=True)
class JobRecord:
    """One job of a run as it was recorded."""

    id: int
    run_id: str
    pipeline: str
    iteration: int
    stage: str
    position: int
    meta_name: str
    hook: str
    component: str | None
    package: str | None
    status: str
    fingerprint: str | None
    source_run: str | None
    folder: Path
    files: Path | None
    exports: Mapping[str, str]
    settings: Mapping[str, Any]
    outputs: Mapping[str, Any]
    error: str | None
    started: float
    seconds: float | None
    environment: str | None
    """Label and key of the isolated environment that it ran in, if it had one."""
    role: Role | None
    """What the job is for; ``None`` if its hook does not say."""
    declarations: Declarations
    """What its hook and component say of metrics and samples."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> JobRecord:
        """Read one row of ``jobs``."""
        values = dict(row)
        for key in ("exports", "settings", "outputs"):
            values[key] = json.loads(values[key]) if values[key] else {}
        values["folder"] = Path(values["folder"])
        values["files"] = Path(values["files"]) if values["files"] else None
        values["role"] = Role(values["role"]) if values["role"] else None
        values["declarations"] = _declarations(values["declarations"])
        return cls(**values)

    @property
    def dataset(self) -> Any:  # noqa: ANN401 (any setting)
        """What the settings name as the dataset that it reads; ``None`` where that is not known."""
        value: Any = self.settings
        for key in (self.declarations.samples.dataset or "").split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def declared(self, name: str) -> Metric:
        """Return what is declared of a metric; a bare declaration where nothing is."""
        return self.declarations.find(name)

    def direction(self, name: str) -> bool | None:
        """Return whether more of a metric is better; ``None`` if neither, or the job is no judge."""
        return None if self.role in UNJUDGED else self.declared(name).higher_is_better

    def is_primary(self, name: str) -> bool:
        """Return whether a metric is among the few that say what the job found."""
        return self.declared(name).primary

    def is_detail(self, name: str) -> bool:
        """Return whether a metric describes another one, or how fast the machine is."""
        return self.declared(name).kind in (MetricKind.DETAIL, MetricKind.ERROR)

    def is_shown(self, name: str) -> bool:
        """Return whether a change of a metric is worth a row: of summaries, only the primary ones."""
        found = self.declared(name)
        return found.primary if found.kind is MetricKind.STATISTIC else not self.is_detail(name)

    @property
    def named_outputs(self) -> dict[str, Any]:
        """The outputs with paths as a user knows them: as the settings name them, or in the run."""
        places = dict(self.exports)
        if self.files is not None:
            places[str(self.files)] = str(self.folder / FILES)
        return {name: with_places(value, places) for name, value in self.outputs.items()}


@dataclass(frozen=True)
class TargetRecord:
    """One target of one iteration: what was measured, and whether it was met."""

    iteration: int
    target: str
    value: float
    met: bool


@lru_cache(maxsize=1024)
def _declarations(text: str | None) -> Declarations:
    return Declarations.from_json(json.loads(text)) if text else Declarations()


def with_places(value: Any, places: Mapping[str, str]) -> Any:  # noqa: ANN401 (any output)
    """Replace folders at the beginning of the paths in an output."""
    if isinstance(value, list):
        return [with_places(item, places) for item in value]
    if isinstance(value, dict):
        return {key: with_places(item, places) for key, item in value.items()}
    if isinstance(value, str):
        for made, place in places.items():
            if value == made or value.startswith(f"{made}/"):
                return place + value.removeprefix(made)
    return value


def to_json(value: object) -> str:
    """Write a value that a job returned or was given; paths become text."""
    return json.dumps(plain(value), ensure_ascii=False)
