"""Runs and jobs of the store as plain objects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb.store.checked import JOB, RUN, SWEEP, DamagedError, check_row, object_of
from djsb_core.interfaces.hook import Role
from djsb_core.job.reports import FILES, plain
from djsb_core.metrics import Declarations, MetricKind, find_metric
from djsb_core.text import json_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from djsb_core.metrics import Metric

FLOAT = "float:"
"""Before NaN and infinities, which the store keeps as text."""

UNJUDGED = (Role.REFINE, Role.PROCESS, Role.TRAIN, Role.INFER)
"""Jobs with these roles see different data, so their metrics cannot be ranked."""


@dataclass(frozen=True)
class RunRecord:
    """One run as it was recorded."""

    id: str
    project_name: str
    experiment_name: str
    experiment_file: str
    """Absolute; in records of early versions, as given by the user."""
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
        """Read one row of ``runs``, with the name of its sweep.

        :raises DamagedError: if djsb does not write such a row
        """
        values = check_row(row, RUN)
        values["experiment_file"] = values.pop("experiment")
        values["settings"] = object_of(values["settings"], "settings")
        values["folder"] = Path(values["folder"])
        return cls(**values)

    @property
    def experiment(self) -> str:
        """The experiment file, relative if it is below the working directory."""
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
    """As given, without secrets."""
    created: float
    """Seconds since the epoch."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> SweepRecord:
        """Read one row of ``sweeps``.

        :raises DamagedError: if djsb does not write such a row
        """
        values = check_row(row, SWEEP)
        values["config"] = object_of(values["config"], "config")
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
    """The job's role; ``None`` if its hook declares none."""
    declarations: Declarations
    """What its hook and component declare about metrics and samples."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> JobRecord:
        """Read one row of ``jobs``.

        :raises DamagedError: if djsb does not write such a row
        """
        values = check_row(row, JOB)
        for key in ("exports", "settings", "outputs"):
            values[key] = object_of(values[key], key)
        if not all(isinstance(place, str) for place in values["exports"].values()):
            raise DamagedError("exports are not paths")
        values["folder"] = Path(values["folder"])
        values["files"] = Path(values["files"]) if values["files"] else None
        try:
            values["role"] = Role(values["role"]) if values["role"] else None
            values["declarations"] = _declarations(values["declarations"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedError(f"role or declarations: {error!r}") from error
        return cls(**values)

    @property
    def dataset(self) -> Any:  # noqa: ANN401 (any setting)
        """The dataset that its settings name as input; ``None`` if unknown."""
        value: Any = self.settings
        for key in (self.declarations.samples.dataset or "").split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def declared(self, name: str) -> Metric:
        """Return the declaration of a metric; an empty one if there is none."""
        return self.declarations.find(name)

    def is_declared(self, name: str) -> bool:
        """Return whether the hook or the component declares a metric."""
        return find_metric(self.declarations.metrics, name) is not None

    def direction(self, name: str) -> bool | None:
        """Return whether a higher value is better; ``None`` if neither, or not comparable."""
        return None if self.role in UNJUDGED else self.declared(name).higher_is_better

    def is_score(self, name: str) -> bool:
        """Return whether a metric is a result: judged by its direction, or a primary score."""
        metric = self.declared(name)
        is_primary_score = metric.primary and metric.kind is MetricKind.SCORE
        return self.role not in UNJUDGED and (
            metric.higher_is_better is not None or is_primary_score
        )

    def is_primary(self, name: str) -> bool:
        """Return whether a metric is among the few that summarize the job's results."""
        return self.declared(name).primary

    def is_detail(self, name: str) -> bool:
        """Return whether a metric only details another one or measures speed."""
        kinds = (MetricKind.DETAIL, MetricKind.ERROR, MetricKind.WARNING)
        return self.declared(name).kind in kinds

    def is_shown(self, name: str) -> bool:
        """Return whether to list a change of a metric: of statistics, only the primary ones."""
        metric = self.declared(name)
        return metric.primary if metric.kind is MetricKind.STATISTIC else not self.is_detail(name)

    @property
    def named_outputs(self) -> dict[str, Any]:
        """The outputs with user-facing paths: those in the settings, or those in the run."""
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

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> TargetRecord:
        """Read one row of ``targets``."""
        value = row["value"]
        number = float(value.removeprefix(FLOAT) if isinstance(value, str) else value)
        return cls(row["iteration"], row["target"], number, bool(row["met"]))


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
        for source, place in places.items():
            if value == source or value.startswith(f"{source}/"):
                return place + value.removeprefix(source)
    return value


def to_json(value: object) -> str:
    """Serialize a job's setting or output; paths become strings."""
    return json_text(plain(value))
