"""The CPUs and memory of this machine that this process may use."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.interfaces.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Iterator

CGROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def machine_capacity() -> Resources:
    """Return CPUs and memory of this machine, or of the container or batch job if less."""
    return Resources(cpus=_cpus(), memory=_memory())


def _cpus() -> float:
    """Count the CPUs that this process may run on, within the quota of its control groups."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        count = os.cpu_count() or 1
    return min([float(count), *_quotas()])


def _quotas() -> Iterator[float]:
    """Yield the CPU quotas of this process's control groups, of either version."""
    for folder in _groups("cpu"):
        with suppress(OSError, ValueError, ZeroDivisionError):
            if (folder / "cpu.max").exists():
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota = (folder / "cpu.cfs_quota_us").read_text()
                period = (folder / "cpu.cfs_period_us").read_text()
            if quota != "max" and int(quota) > 0:
                yield int(quota) / int(period)


def _memory() -> int:
    """Return the machine's memory in bytes, or the limit of the control groups if it is lower."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([total, *_memory_limits()])


def _memory_limits() -> Iterator[int]:
    for folder in _groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):  # "max": no limit
                yield int((folder / name).read_text())


def _groups(controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control groups and of their parents.

    In a container the paths may be those of its host; then only the mount itself exists.
    """
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = CGROUPS / controllers if controllers else CGROUPS
        if controllers and not mount.is_dir():
            mount = CGROUPS / controller  # mounted under one of its names
        group = mount / path.strip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(mount))
