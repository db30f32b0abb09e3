"""The training process's side of the pipe to its parent."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Channel:
    """Sends metrics, and at last a result or an error, to the parent: one JSON line each."""

    def __init__(self, descriptor: int) -> None:
        """Take over the pipe; no child of this process keeps it open."""
        os.set_inheritable(descriptor, False)  # noqa: FBT003 (positional only)
        os.register_at_fork(after_in_child=lambda: os.close(descriptor))
        self._stream = os.fdopen(descriptor, "w", buffering=1, encoding="utf-8")

    def report(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Send metrics.

        :param metrics: numbers by name
        :param step: position in a series, from 1; ``None`` for totals
        """
        self._send({"metrics": dict(metrics), "step": step})

    def fail(self, message: str) -> None:
        """Send what went wrong."""
        self._send({"error": message})

    def finish(self, folder: Path) -> None:
        """Send where the trained model is."""
        self._send({"result": str(folder)})

    def _send(self, event: dict[str, object]) -> None:
        self._stream.write(json.dumps(event) + "\n")


def die_with_parent() -> None:
    """End this process group as soon as stdin is closed: the parent is gone."""
    threading.Thread(target=_watch, name="parent-watch", daemon=True).start()


def _watch() -> None:
    # Unbuffered: a buffered stdin would hold a lock that the interpreter wants at its end.
    while os.read(0, 1):
        pass
    print("the parent process is gone; training stops", file=sys.stderr)  # noqa: T201
    os.killpg(0, signal.SIGKILL)
