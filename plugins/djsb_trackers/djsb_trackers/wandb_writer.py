"""Writes a run into wandb: online where its user is logged in, else for ``wandb sync``."""

from __future__ import annotations

import math
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_trackers.login import is_logged_in
from djsb_trackers.rows import rows
from djsb_trackers.segments import Segment
from djsb_trackers.writer import read_histogram

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from djsb_trackers.messages import Artifact, Start, Value

INIT_SECONDS = "30"
"""How long a server may take to answer; then the run is written to disk only."""

JOB_TYPE = "trial"
"""What wandb shows of a run that belongs to a sweep."""


def create_writer() -> WandbWriter:
    """Return the writer of this module."""
    return WandbWriter()


class WandbWriter:
    """Series with a step axis for each job, results and facts in the summary."""

    _run: Any
    _segment: Segment

    def __init__(self) -> None:
        self._defined: set[str] = set()

    def start(self, start: Start) -> None:
        """Begin a run, or a further segment of one that did not finish."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        os.environ.setdefault("WANDB_INIT_TIMEOUT", INIT_SECONDS)
        import wandb

        self._segment = Segment(start)
        mode = os.environ.get("WANDB_MODE") or ("online" if is_logged_in() else "offline")
        try:
            self._run = self._init(start, mode)
        except Exception:
            if mode != "online":
                raise
            traceback.print_exc()
            wandb.teardown()  # it still holds the run's id
            self._run = self._init(start, "offline")
        self._segment.step = max(self._segment.step, self._run.step)

    def _init(self, start: Start, mode: Any) -> Any:  # noqa: ANN401 (any text; a wandb.Run)
        import wandb

        return wandb.init(
            project=start.project,
            name=start.name,
            group=start.group,
            job_type=None if start.group is None else JOB_TYPE,
            id=self._segment.id,
            resume="allow" if self._segment.continues else None,
            config=start.settings,
            mode=mode,
            dir=start.folder,
            reinit="create_new",
            settings=wandb.Settings(  # a new one each time: `init` changes it
                silent=True,
                console="off",
                disable_git=True,
                disable_code=True,
                host="",
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
                x_transaction_log_flush_interval=1.0,
            ),
        )

    def values(self, values: Sequence[Value]) -> None:
        """Write steps as rows, and results into the summary."""
        for row in rows(values):
            if row.step is None:
                self.facts(row.values)
            else:
                axes = {self._axis(row.job, name): row.step for name in row.values}
                self._log(row.values | axes)

    def facts(self, facts: Mapping[str, float | str]) -> None:
        """Write into the summary, where wandb would make ``null`` of a NaN."""
        written = {
            name: "NaN" if isinstance(fact, float) and math.isnan(fact) else fact
            for name, fact in facts.items()
        }
        self._run.summary.update(written)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Write into the config."""
        self._run.config.update(dict(settings), allow_val_change=True)

    def artifact(self, artifact: Artifact) -> None:
        """Write a histogram or a medium as a row."""
        import wandb

        shown: Any
        match artifact.kind:
            case "histogram":
                bins: Any = read_histogram(artifact.path)  # lists will do, untyped as they are
                shown = wandb.Histogram(np_histogram=bins)
            case "image":
                shown = wandb.Image(artifact.path)
            case "video":
                shown = wandb.Video(artifact.path, format=_suffix(artifact.path))
            case _:
                return
        row = {artifact.name: shown}
        if artifact.step is not None:
            row[self._axis(artifact.job, artifact.name)] = artifact.step
        self._log(row)

    def end(self, status: str) -> None:
        """Finish the run; one that may go on is marked as failed."""
        self._segment.end(status)
        self._run.finish(exit_code=0 if status == "finished" else 1)

    def _log(self, row: dict[str, Any]) -> None:
        self._run.log(row, step=self._segment.next_step())

    def _axis(self, job: str, name: str) -> str:
        """Return the name of a job's steps, and have wandb draw the metric over them.

        wandb's own step counts the rows of all jobs.
        """
        axis = f"step/{job}"
        if axis not in self._defined:
            self._define(axis, hidden=True)
        if name not in self._defined:
            self._define(name, step_metric=_escape(axis))
        return axis

    def _define(self, name: str, **options: Any) -> None:  # noqa: ANN401 (wandb's)
        self._defined.add(name)
        self._run.define_metric(_escape(name), **options)


def _escape(name: str) -> str:
    """Write a name that has dots as wandb wants it: a bare dot is a step into a mapping."""
    return name.replace(".", r"\.")


def _suffix(path: str) -> Any:  # noqa: ANN401 (wandb takes four)
    return Path(path).suffix.removeprefix(".").lower()
