"""What the store gives back: runs and jobs as plain objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.job.reports import FILES, plain

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping


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
    directions: Mapping[str, bool]
    error: str | None
    started: float
    seconds: float | None
    environment: str | None
    """Label and key of the isolated environment that it ran in, if it had one."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> JobRecord:
        """Read one row of ``jobs``."""
        values = dict(row)
        for key in ("exports", "settings", "outputs", "directions"):
            values[key] = json.loads(values[key]) if values[key] else {}
        values["folder"] = Path(values["folder"])
        values["files"] = Path(values["files"]) if values["files"] else None
        return cls(**values)

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
