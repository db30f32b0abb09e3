"""A tracker's process, as the run sees it: fed by a thread, never waited for."""

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
"""Messages that wait for a tracker that is too slow; further ones are left out of it."""

AT_ONCE = 500
PATIENCE, VARIABLE = 1.0, "DJSB_TRACKERS_WAIT"


def patience() -> float:
    """Return the seconds that a run waits at its end for its trackers."""
    try:
        return float(os.environ.get(VARIABLE, PATIENCE))
    except ValueError:
        log.warning("%s is no number of seconds: %s", VARIABLE, os.environ[VARIABLE])
        return PATIENCE


class Relay:
    """Hands messages to a process that runs one tracker.

    A process, because a tracker's library takes seconds to import, may hang, print and crash, and
    may have more to write when a short run is over. What it prints is in its log.
    """

    def __init__(self, tracker: str, log_file: Path, limit: int = LIMIT) -> None:
        """Start the process.

        :raises OSError: if it cannot be started
        """
        self._tracker = tracker
        self._log = log_file
        self._limit = limit
        self._waiting: SimpleQueue[Message | None] = SimpleQueue()
        self._lacks = False
        """Whether messages were left out."""
        self._over = False
        """Whether the process takes no more: it has ended, or all is handed over."""
        # Without what one tracker tells its children: another wandb would be taken for their own.
        inherited = {name: os.environ[name] for name in os.environ if name != "WANDB_SERVICE"}
        path = os.pathsep.join(filter(None, sys.path))
        with log_file.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter, our own module)
                [sys.executable, "-P", "-m", "djsb_trackers.mirror", tracker],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is the run's to hear
                env={**inherited, "PYTHONPATH": path},
            )
        self._thread = Thread(target=self._feed, name=f"djsb-{tracker}", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Process id of the tracker's process."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Hand over a message; returns at once."""
        if self._over:
            return
        if self._waiting.qsize() < self._limit:
            self._waiting.put(message)
            return
        if not self._lacks:
            self._lacks = True
            log.warning("%s is too slow: it will lack values of this run", self._tracker)

    def close(self, deadline: float) -> None:
        """Say that this was all, and wait for the end of the process.

        What the process has by then it writes by itself; one that has not even taken everything is
        stuck, and is killed.

        :param deadline: until when to wait, by the monotonic clock
        """
        self._waiting.put(None)
        self._thread.join(max(deadline - time.monotonic(), 0))
        if not self._over:
            self._over = True
            self._process.kill()
            log.warning("%s was too slow: it lacks values of this run", self._tracker)

    def _feed(self) -> None:
        """Write what waits until the end is reached; then wait for that of the process."""
        pipe = self._process.stdin
        with suppress(OSError):  # the process has ended: said below
            going = pipe is not None
            while pipe is not None and going:
                batch, going = self._take()
                pipe.write(b"".join(map(encode, batch)))
                pipe.flush()
        killed, self._over = self._over, True
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
        if self._process.wait() and not killed:
            said = mask(self._complaint())  # a library may quote the address with its key
            log.warning("no %s for this run: %s (%s)", self._tracker, said, self._log)
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

    def _complaint(self) -> str:
        """Return the last line that the process wrote."""
        with suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "it ended")
        return "it ended"

    def _remove_empty_log(self) -> None:
        with suppress(OSError):
            if not self._log.stat().st_size:
                self._log.unlink()
