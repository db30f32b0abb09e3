"""Writes a run into trackio: a SQLite file for ``trackio show``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from djsb_trackers.rows import rows
from djsb_trackers.writer import read_histogram

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb_trackers.messages import Artifact, Start, Value

REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID")


def create_writer() -> TrackioWriter:
    """Return the writer of this module."""
    return TrackioWriter()


class TrackioWriter:
    """Series by their own steps; results and facts, which trackio does not support, at step 0."""

    _run: Any

    def start(self, start: Start) -> None:
        """Start a run; its name is unique, as trackio requires."""
        if not any(map(os.environ.get, REMOTE)):
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import trackio

        self._run = trackio.init(
            project=start.project,
            name=f"{start.name}-{start.run_id}",
            group=start.group,
            config=start.settings,
            embed=False,
            auto_log_cpu=False,
            auto_log_gpu=False,
        )

    def values(self, values: Sequence[Value]) -> None:
        """Write rows."""
        for row in rows(values):
            self._run.log(row.values, step=row.step or 0)

    def facts(self, facts: Mapping[str, float | str]) -> None:
        """Write a row."""
        self._run.log(dict(facts), step=0)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Write a row: trackio accepts a config only at the start."""
        plain = (bool, int, float, str)
        self.facts({k: v if isinstance(v, plain) else str(v) for k, v in settings.items()})

    def artifact(self, artifact: Artifact) -> None:
        """Write a histogram, image or video as a row."""
        import trackio

        media: Any
        match artifact.kind:
            case "histogram":
                media = trackio.Histogram(np_histogram=read_histogram(artifact.path))
            case "image":
                media = trackio.Image(artifact.path)
            case "video":
                media = trackio.Video(artifact.path)
            case _:
                return
        self._run.log({artifact.name: media}, step=artifact.step or 0)

    def end(self, status: str) -> None:  # noqa: ARG002 (it is among the facts)
        """Write what remains."""
        self._run.finish()
