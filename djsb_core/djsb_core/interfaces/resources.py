"""The resources that a job uses while it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """CPUs, GPUs and memory: claimed by a job, or offered by a machine.

    They affect where and when a job runs, never its result: they are not part of its cache key.
    """

    cpus: float = 1.0
    """0 for a job that only waits, for instance for the responses of a service."""

    gpus: float = 0.0
    """Whole GPUs for exclusive use, or below 1 a share of one."""

    memory: int = 0
    """In bytes; 0: not limited."""
