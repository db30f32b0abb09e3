"""Which wandb run a run continues: the last one of its experiment, if it did not finish.

A script, and each trial of a sweep, always starts a new one.
"""

from __future__ import annotations

import json
import os
import uuid
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb_trackers.messages import Start

FILE = "wandb.json"
RESERVED = 1000
"""Number of steps recorded as used in advance, in case the run is killed."""


class Segment:
    """One run's part of a wandb run. wandb's steps only increase, also between segments."""

    def __init__(self, start: Start) -> None:
        """Continue the wandb run of the previous run if that did not finish, or start a new one."""
        self._file = Path(start.folder, FILE)
        self._experiment = _identify(start)
        may_continue = start.group is None and any(_jobs(start.settings))
        before = self._before() if may_continue else None
        self.continues = before is not None
        self.id: str = before["id"] if before else uuid.uuid4().hex[:8]
        self.step: int = before["next_step"] if before else 0
        self._noted = self.step
        self._note("running", self.step + RESERVED)

    def next_step(self) -> int:
        """Return a step that no segment has used."""
        step, self.step = self.step, self.step + 1
        if self.step > self._noted:
            self._note("running", self.step + RESERVED)
        return step

    def end(self, status: str) -> None:
        """Record how the run ended."""
        self._note(status, self.step)

    def _before(self) -> dict[str, Any] | None:
        for path in sorted(self._file.parents[1].glob(f"*/{FILE}"), key=_age, reverse=True):
            record = {}
            with suppress(OSError, ValueError):
                record = json.loads(path.read_text(encoding="utf-8"))
            if record.get("experiment") == self._experiment:
                is_over = record["status"] == "finished" or _is_alive(record)
                return None if is_over else record
        return None

    def _note(self, status: str, next_step: int) -> None:
        self._noted = next_step
        record = {
            "id": self.id,
            "experiment": self._experiment,
            "status": status,
            "next_step": next_step,
            "pid": os.getpid(),
        }
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.replace(self._file)


def _identify(start: Start) -> str:
    """Return a digest that runs of one experiment share: of its names, its jobs, and any sweep."""
    of_sweep = [] if start.group is None else [start.group]
    parts = [start.project, start.name, *of_sweep, *_jobs(start.settings)]
    return sha256(json.dumps(parts).encode()).hexdigest()


def _jobs(settings: dict[str, Any]) -> Iterator[object]:
    """Yield the hook and name of every job, and any files given in place of jobs or pipelines."""
    yield from _stages(settings)
    pipelines = settings.get("pipelines") or []
    for named in [pipelines] if isinstance(pipelines, dict) else pipelines:
        for name, stages in named.items():
            yield name
            yield from _stages(stages)


def _stages(stages: object) -> Iterator[object]:
    if not isinstance(stages, dict):
        yield stages
        return
    for key, jobs in stages.items():
        if key.endswith("_job_configs"):
            yield key
            for job in jobs or ():
                yield [job.get("hook"), job.get("meta_name")] if isinstance(job, dict) else job


def _is_alive(record: dict[str, Any]) -> bool:
    """Return whether the process of an unfinished run is still alive."""
    if record["status"] != "running":
        return False
    try:
        os.kill(record["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
