"""Hears what one job measures, keeps it in the store and tells the listeners."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from djsb_core.job.reports import Artifact, ArtifactKind, Point

if TYPE_CHECKING:
    from djsb.cache.entry import Entry
    from djsb.runner.state import RunState
    from djsb_core.hookspecs import JobInfo


@dataclass
class Recorder:
    """What one job measured."""

    state: RunState
    info: JobInfo
    job_id: int
    heard: list[Point] = field(default_factory=list)
    kept: list[Artifact] = field(default_factory=list)
    """Files that it reported."""
    traced: bool = False
    """Whether the traceback of a failure is in the job's log already."""

    def points(self, points: list[Point]) -> None:
        """Take values of metrics."""
        masker = self.state.masker
        points = [
            replace(one, value=masker.text(one.value)) if isinstance(one.value, str) else one
            for one in points
        ]
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

    def artifact(self, artifact: Artifact) -> None:
        """Take a file that the job reports."""
        self.kept.append(artifact)
        self.state.store.add_artifact(self.job_id, artifact)
        self.state.tell(
            "djsb_artifact_logged",
            job=self.info,
            name=f"{self.info.meta_name}.{artifact.name}",
            kind=artifact.kind.value,
            path=artifact.path,
            step=artifact.step,
        )

    def silent(self, seconds: float) -> None:
        """Warn that the job's process gives no sign of life."""
        self.state.tell("djsb_job_silent", job=self.info, seconds=seconds)

    def replay(self, entry: Entry) -> None:
        """Take what an earlier execution measured."""
        self.points([Point(*values) for values in entry.points])
        for name, kind, step, path in entry.artifacts:
            self.artifact(Artifact(name, ArtifactKind(kind), step, path))

    def forget(self) -> None:
        """Forget what a failed attempt measured."""
        self.heard.clear()
        self.kept.clear()
        self.state.store.forget_metrics(self.job_id)
