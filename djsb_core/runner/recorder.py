"""Hears what one job measures, keeps it in the store and tells the listeners."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb_core.hookspecs import JobInfo
    from djsb_core.runner.state import RunState
    from djsb_core.store.records import Point


@dataclass
class Recorder:
    """What one job measured."""

    state: RunState
    info: JobInfo
    job_id: int
    heard: list[Point] = field(default_factory=list)
    kept: dict[str, Path] = field(default_factory=dict)
    """Files with per-sample values, by metric."""
    traced: bool = False
    """Whether the traceback of a failure is in the job's log already."""

    def points(self, points: list[Point]) -> None:
        """Take values of metrics."""
        self.heard += points
        self.state.store.add_points(self.job_id, points)
        for point in points:
            self.state.tell(
                "djsb_metric_logged",
                job=self.info,
                name=f"{self.info.meta_name}.{point.name}",
                value=point.value,
                step=point.step,
                seconds=point.seconds,
            )

    def samples(self, name: str, path: Path) -> None:
        """Take the file with the per-sample values of a metric."""
        self.kept[name] = path
        self.state.store.add_samples(self.job_id, name, path)

    def replay(self, points: list[Point], samples: Mapping[str, Path]) -> None:
        """Take what an earlier execution measured."""
        self.points(points)
        for name, path in samples.items():
            self.samples(name, path)

    def forget(self) -> None:
        """Forget what a failed attempt measured."""
        self.heard.clear()
        self.kept.clear()
        self.state.store.forget_metrics(self.job_id)
