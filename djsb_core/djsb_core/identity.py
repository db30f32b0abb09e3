"""The identity of a job in an iteration, shared by plan, record and listeners."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class JobId:
    """One job of an experiment, in one of its iterations."""

    pipeline: str
    stage: str
    position: int
    """Position of the job in the experiment file, from 0."""
    meta_name: str
    """As in the file; by default made from stage and position."""
    iteration: int = 1
    """From 1."""

    def in_iteration(self, iteration: int) -> JobId:
        """Return the same job in another iteration."""
        return replace(self, iteration=iteration)
