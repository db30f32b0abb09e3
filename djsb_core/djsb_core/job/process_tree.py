"""Find and kill all processes that a worker has started, in whatever session they are."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from djsb_core.job.protocol import TOKEN

PROC = Path("/proc")
ROUNDS = 20
PAUSE = 0.01  # seconds between two rounds
DEAD = ("Z", "X")


def kill_tree(root: int, token: str) -> None:
    """Kill a worker and all its processes; the calling process last if it is one of them.

    Without ``/proc``, processes in other sessions are not found.

    :param root: process id of the worker, which is also that of its group
    :param token: value of ``DJSB_WORKER`` in the worker's environment
    """
    for _ in range(ROUNDS):  # a process can start another one during the lookup
        members = find_tree(root, token) - {os.getpid()}
        if not members:
            break
        for process in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(PAUSE)
    signal_group(root, signal.SIGKILL)


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to every process of a group, if any is left."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def find_tree(root: int, token: str) -> set[int]:
    """List the live processes of a worker: itself, its descendants, and those with its token.

    The token identifies those whose parent is dead.
    """
    mark = f"{TOKEN}={token}".encode()
    parents = {process: parent for process in _processes() if (parent := _parent(process))}
    members = {pid for pid in parents if pid == root or (token and mark in _environment(pid))}
    while children := {pid for pid in parents if parents[pid] in members} - members:
        members |= children
    return members


def _processes() -> list[int]:
    try:
        return [int(entry.name) for entry in os.scandir(PROC) if entry.name.isdecimal()]
    except FileNotFoundError:
        return []


def _parent(process: int) -> int | None:
    """Return the process id of the parent; ``None`` if the process is dead (or has no parent)."""
    try:
        status = (PROC / str(process) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, parent, *_ = status.rpartition(")")[2].split()  # names may contain brackets and spaces
    return None if state in DEAD else int(parent)


def _environment(process: int) -> list[bytes]:
    try:
        return (PROC / str(process) / "environ").read_bytes().split(b"\0")
    except OSError:  # another user's process, or gone
        return []
