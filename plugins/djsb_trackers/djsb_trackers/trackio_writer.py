"""Writes a run into trackio: a SQLite file that ``trackio show`` draws."""

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
    """Series by their own steps; results and facts, for which trackio has no place, at step 0."""

    _run: Any

    def start(self, start: Start) -> None:
        """Begin a run; its name is unique, as trackio wants it."""
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
        """Write a row: trackio takes a config at the start only."""
        plain = (bool, int, float, str)
        self.facts({k: v if isinstance(v, plain) else str(v) for k, v in settings.items()})

    def artifact(self, artifact: Artifact) -> None:
        """Write a row of a histogram or a medium."""
        import trackio

        shown: Any
        match artifact.kind:
            case "histogram":
                shown = trackio.Histogram(np_histogram=read_histogram(artifact.path))
            case "image":
                shown = trackio.Image(artifact.path)
            case "video":
                shown = trackio.Video(artifact.path)
            case _:
                return
        self._run.log({artifact.name: shown}, step=artifact.step or 0)

    def end(self, status: str) -> None:  # noqa: ARG002 (the facts say it)
        """Write what is left."""
        self._run.finish()
