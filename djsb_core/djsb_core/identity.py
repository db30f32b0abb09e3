"""Which job of which iteration: carried whole from the plan to the record and the listeners."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class JobId:
    """One job of an experiment, in one of its iterations."""

    pipeline: str
    stage: str
    position: int
    """Place of the job in the experiment file, from 0."""
    meta_name: str
    """As in the file, or made from stage and place where the file gives none."""
    iteration: int = 1
    """From 1."""

    def in_iteration(self, iteration: int) -> JobId:
        """Return the same job in another iteration."""
        return replace(self, iteration=iteration)
