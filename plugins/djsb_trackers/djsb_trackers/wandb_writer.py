"""Writes a run into wandb: online if the user is logged in, otherwise for ``wandb sync``."""

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
"""Timeout of the server's response; after it the run is written to disk only."""

JOB_TYPE = "trial"
"""The job type in wandb of a run in a sweep."""


def create_writer() -> WandbWriter:
    """Return the writer of this module."""
    return WandbWriter()


class WandbWriter:
    """Series with a step axis per job; results and facts in the summary."""

    _run: Any
    _segment: Segment

    def __init__(self) -> None:
        self._defined: set[str] = set()

    def start(self, start: Start) -> None:
        """Start a run, or another segment of one that did not finish."""
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
        """Write into the summary, in which wandb would replace a NaN by ``null``."""
        summary = {
            name: "NaN" if isinstance(fact, float) and math.isnan(fact) else fact
            for name, fact in facts.items()
        }
        self._run.summary.update(summary)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Write into the config."""
        self._run.config.update(dict(settings), allow_val_change=True)

    def artifact(self, artifact: Artifact) -> None:
        """Write a histogram, image or video as a row."""
        import wandb

        media: Any
        match artifact.kind:
            case "histogram":
                bins: Any = read_histogram(artifact.path)  # wandb accepts lists, unlike its types
                media = wandb.Histogram(np_histogram=bins)
            case "image":
                media = wandb.Image(artifact.path)
            case "video":
                media = wandb.Video(artifact.path, format=_suffix(artifact.path))
            case _:
                return
        row = {artifact.name: media}
        if artifact.step is not None:
            row[self._axis(artifact.job, artifact.name)] = artifact.step
        self._log(row)

    def end(self, status: str) -> None:
        """Finish the run; one that may be continued is marked as failed."""
        self._segment.end(status)
        self._run.finish(exit_code=0 if status == "finished" else 1)

    def _log(self, row: dict[str, Any]) -> None:
        self._run.log(row, step=self._segment.next_step())

    def _axis(self, job: str, name: str) -> str:
        """Return the name of a job's step axis, and make wandb plot the metric over it.

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
    """Escape the dots in a name for wandb, which treats a bare dot as nesting."""
    return name.replace(".", r"\.")


def _suffix(path: str) -> Any:  # noqa: ANN401 (wandb accepts four)
    return Path(path).suffix.removeprefix(".").lower()
