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
"""Messages that are taken ahead of the tracker."""

AT_ONCE = 1000
LINGER = 300
"""Seconds that a tracker may take after the run to write what it has."""

UNKNOWN = "unknown"
"""The status of a run that ended without a word, as after ``kill -9``."""


def main() -> None:
    """Write what stdin says into the tracker that the command line names."""
    pipe = _own_stdin()
    lines: Queue[bytes | None] = Queue(LIMIT)
    Thread(target=_await_end, args=(pipe,), daemon=True).start()
    Thread(target=_read, args=(pipe, lines), daemon=True).start()
    module = import_module(f"djsb_trackers.{sys.argv[1]}_writer")
    mirror(module.create_writer(), _batches(lines))


def mirror(writer: Writer, batches: Iterable[list[Message]]) -> None:
    """Tell a writer all that a run says."""
    status = UNKNOWN
    for batch in batches:
        for kind, group in groupby(batch, type):
            messages = list(group)
            if kind is Value:
                writer.values([one for one in messages if isinstance(one, Value)])
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
    """Show a file; one that is damaged or gone is left out."""
    try:
        writer.artifact(artifact)
    except Exception:  # noqa: BLE001 (libraries raise anything over a damaged file)
        traceback.print_exc()


def _own_stdin() -> BinaryIO:
    """Return stdin, and keep it from the processes that the tracker starts."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return os.fdopen(own, "rb")


def _read(pipe: BinaryIO, lines: Queue[bytes | None]) -> None:
    """Take lines as they come: the run shall not wait, even while the tracker starts."""
    for line in pipe:
        lines.put(line)
    lines.put(None)


def _await_end(pipe: BinaryIO) -> None:
    """End this process some time after the run, whatever the tracker does."""
    end = select.poll()
    end.register(pipe, 0)
    end.poll()  # returns when the run has closed the pipe, even if there is more to read
    signal.alarm(LINGER)


def _batches(lines: Queue[bytes | None]) -> Iterator[list[Message]]:
    """Yield what there is, until the end."""
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
