"""A tracker's process: ``python -m djsb_trackers.mirror wandb``, fed with lines on stdin."""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from importlib import import_module
from itertools import groupby
from queue import Empty, Queue
from threading import Thread
from typing import TYPE_CHECKING, BinaryIO

from djsb_trackers.messages import Artifact, End, Facts, Message, Settings, Start, Value, decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from djsb_trackers.writer import Writer

LIMIT = 200_000
"""Maximum number of messages read ahead of the tracker."""

AT_ONCE = 1000
LINGER = 300
"""Seconds that a tracker has after the run to write pending messages."""

UNKNOWN = "unknown"
"""The status of a run that ended without a message, as after ``kill -9``."""


def main() -> None:
    """Write the messages on stdin to the tracker named on the command line."""
    pipe = _own_stdin()
    lines: Queue[bytes | None] = Queue(LIMIT)
    Thread(target=_await_end, args=(pipe,), daemon=True).start()
    Thread(target=_read, args=(pipe, lines), daemon=True).start()
    module = import_module(f"djsb_trackers.{sys.argv[1]}_writer")
    mirror(module.create_writer(), _batches(lines))


def mirror(writer: Writer, batches: Iterable[list[Message]]) -> None:
    """Pass all messages of a run to a writer."""
    status = UNKNOWN
    for batch in batches:
        for kind, group in groupby(batch, type):
            messages = list(group)
            if kind is Value:
                writer.values([message for message in messages if isinstance(message, Value)])
                continue
            for message in messages:
                match message:
                    case Start():
                        writer.start(message)
                    case Facts(facts):
                        writer.facts(facts)
                    case Settings(settings):
                        writer.settings(settings)
                    case Artifact():
                        _show(writer, message)
                    case End(status):
                        pass
    writer.end(status)


def _show(writer: Writer, artifact: Artifact) -> None:
    """Show a file; one that is damaged or missing is left out."""
    try:
        writer.artifact(artifact)
    except Exception:  # noqa: BLE001 (libraries raise anything for a damaged file)
        traceback.print_exc()


def _own_stdin() -> BinaryIO:
    """Return stdin, and hide it from the processes that the tracker starts."""
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return os.fdopen(pipe, "rb")


def _read(pipe: BinaryIO, lines: Queue[bytes | None]) -> None:
    """Read lines as they arrive: the run must not wait, even while the tracker starts."""
    for line in pipe:
        lines.put(line)
    lines.put(None)


def _await_end(pipe: BinaryIO) -> None:
    """End this process some time after the run, regardless of the tracker."""
    end = select.poll()
    end.register(pipe, 0)
    end.poll()  # returns when the run has closed the pipe, even if there is more to read
    signal.alarm(LINGER)


def _batches(lines: Queue[bytes | None]) -> Iterator[list[Message]]:
    """Yield batches of available messages, until the end."""
    while (line := lines.get()) is not None:
        batch = [decode(line)]
        try:
            while len(batch) < AT_ONCE and (line := lines.get_nowait()) is not None:
                batch.append(decode(line))
        except Empty:
            pass
        yield batch
        if line is None:
            return


if __name__ == "__main__":
    main()
