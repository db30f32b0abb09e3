"""What a job takes of a machine while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """CPUs, GPUs and memory: claimed by a job, or offered by a machine.

    They decide where and when a job runs, never its result: no part of its key in the cache.
    """

    cpus: float = 1.0
    """0 for a job that only waits, for the answers of a service for instance."""

    gpus: float = 0.0
    """Whole GPUs that no other job uses, or below 1 a share of one."""

    memory: int = 0
    """In bytes; 0: not counted."""
