"""The run's side of a tracker's process: fed by a thread, without blocking the run."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from djsb_core.api import mask
from djsb_trackers.messages import encode

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_trackers.messages import Message

log = logging.getLogger(__name__)

LIMIT = 100_000
"""Maximum number of queued messages for a slow tracker; further ones are dropped."""

AT_ONCE = 500
PATIENCE, VARIABLE = 1.0, "DJSB_TRACKERS_WAIT"


def patience() -> float:
    """Return the seconds that a run waits at its end for its trackers."""
    try:
        return float(os.environ.get(VARIABLE, PATIENCE))
    except ValueError:
        log.warning("%s is not a number of seconds: %s", VARIABLE, os.environ[VARIABLE])
        return PATIENCE


class Relay:
    """Sends messages to a process that runs one tracker.

    A separate process, because a tracker's library takes seconds to import, may hang, print or
    crash, and may still have to write when a short run is over. Its output goes to its log.
    """

    def __init__(self, tracker: str, log_file: Path, limit: int = LIMIT) -> None:
        """Start the process.

        :raises OSError: if it cannot be started
        """
        self._tracker = tracker
        self._log = log_file
        self._limit = limit
        self._waiting: SimpleQueue[Message | None] = SimpleQueue()
        self._dropped = False
        """Whether messages were dropped."""
        self._over = False
        """Whether the process accepts no more messages: it has ended, or all were sent."""
        # Without the variable by which wandb finds its service: this one must not use another's.
        inherited = {name: os.environ[name] for name in os.environ if name != "WANDB_SERVICE"}
        path = os.pathsep.join(filter(None, sys.path))
        with log_file.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter, our own module)
                [sys.executable, "-P", "-m", "djsb_trackers.mirror", tracker],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the run only
                env={**inherited, "PYTHONPATH": path},
            )
        self._thread = Thread(target=self._feed, name=f"djsb-{tracker}", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Process id of the tracker's process."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Queue a message; returns immediately."""
        if self._over:
            return
        if self._waiting.qsize() < self._limit:
            self._waiting.put(message)
            return
        if not self._dropped:
            self._dropped = True
            log.warning("%s is too slow: values of this run will be missing in it", self._tracker)

    def close(self, deadline: float) -> None:
        """Send the end of the messages, and wait until the process has received them.

        The process then writes the rest on its own; one that has not even received everything is
        stuck, and is killed.

        :param deadline: when to stop waiting, by the monotonic clock
        """
        self._waiting.put(None)
        self._thread.join(max(deadline - time.monotonic(), 0))
        if not self._over:
            self._over = True
            self._process.kill()
            log.warning("%s was too slow: values of this run are missing in it", self._tracker)

    def _feed(self) -> None:
        """Write queued messages until the last one; then wait for the end of the process."""
        pipe = self._process.stdin
        with suppress(OSError):  # the process has ended: reported below
            is_open = pipe is not None
            while pipe is not None and is_open:
                batch, is_open = self._take()
                pipe.write(b"".join(map(encode, batch)))
                pipe.flush()
        killed, self._over = self._over, True
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
        if self._process.wait() and not killed:
            reason = mask(self._last_line())  # a library may quote a URL with a key
            log.warning("no %s for this run: %s (%s)", self._tracker, reason, self._log)
        elif not killed:
            self._remove_empty_log()

    def _take(self) -> tuple[list[Message], bool]:
        """Wait for messages; return them, and whether there will be more."""
        batch = []
        message = self._waiting.get()
        with suppress(Empty):
            while message is not None:
                batch.append(message)
                if len(batch) == AT_ONCE:
                    return batch, True
                message = self._waiting.get_nowait()
            return batch, False
        return batch, True

    def _last_line(self) -> str:
        """Return the last line of the process's output."""
        with suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "it ended")
        return "it ended"

    def _remove_empty_log(self) -> None:
        with suppress(OSError):
            if not self._log.stat().st_size:
                self._log.unlink()
