"""The process that writes the logs of jobs: it masks their output before it reaches the disk.

It reads pipes, so it outlives a job that is killed, and it needs nothing of the job's interpreter.
Clients send JSON objects, one per line, over a socket: ``open`` (with two descriptors: where the
output comes from, and the log), ``connect`` (with the socket of another client) and ``drain``,
which is answered once everything that was written before is in the log. The process ends when
all clients and all writers of output are gone.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import selectors
import signal
import socket
import sys
import termios
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from djsb_core.job.log_masker import LogMasker
from djsb_core.job.protocol import CHUNK, LineSplitter, decode, encode, write_all

PAUSE_SECONDS = 0.1
"""After which an unfinished line is written."""

BATCH_SECONDS = 0.005
"""How long output is batched, so that thousands of lines per second cost few system calls."""

MOST_DESCRIPTORS = 64


@dataclass(eq=False)
class Channel:
    """The output of one job."""

    name: str
    source: int
    log: int
    masker: LogMasker
    error: int = 0
    """The number of the first error while writing."""
    due: float | None = None
    """When an unfinished line is to be written."""

    def read(self, size: int = CHUNK) -> int | None:
        """Read and write what has come; return its size; ``None``: it may come later."""
        try:
            data = os.read(self.source, size)
        except BlockingIOError:
            return None
        self.write(self.masker.feed(data) if data else self.masker.end())
        self.due = time.monotonic() + PAUSE_SECONDS if self.masker.is_waiting else None
        return len(data)

    def drain(self) -> None:
        """Write all that has come before now, although a process may write more."""
        remaining = _readable_bytes(self.source)
        while remaining > 0 and (size := self.read(min(remaining, CHUNK))):
            remaining -= size
        self.write(self.masker.end())
        self.due = None

    def pause(self) -> None:
        """Write an unfinished line."""
        self.due = None
        self.write(self.masker.pause())

    def write(self, data: bytes) -> None:
        """Write to the log; what does not fit is dropped, so that the job continues."""
        try:
            write_all(self.log, data)
        except OSError as error:
            self.error = self.error or error.errno or errno.EIO

    def close(self) -> None:
        """Close the files."""
        os.close(self.source)
        os.close(self.log)


@dataclass(eq=False)
class Client:
    """A process whose jobs have logs."""

    socket: socket.socket
    splitter: LineSplitter = field(default_factory=LineSplitter)
    descriptors: deque[int] = field(default_factory=deque)
    """Those that came before the request that they belong to."""

    def requests(self) -> list[dict[str, Any]] | None:
        """Receive requests; ``None`` if the client is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.socket, CHUNK, MOST_DESCRIPTORS)
        except ConnectionError:
            return None
        self.descriptors += descriptors
        if not data:
            return None
        messages = map(decode, self.splitter.split(data))
        return [message for message in messages if message is not None]

    def reply(self, message: dict[str, Any]) -> None:
        """Answer a request, unless the client is gone."""
        with suppress(OSError):
            self.socket.sendall(encode(message))


class LogServer:
    """Serves clients in one thread."""

    def __init__(self, first: socket.socket) -> None:
        """Begin with one client."""
        self._selector = selectors.DefaultSelector()
        self._clients: set[Client] = set()
        self._channels: set[Channel] = set()
        self._errors: dict[str, int] = {}
        """Errors of channels that are closed, by name."""
        self._add_client(first)

    def serve(self) -> None:
        """Serve until nobody is left."""
        while self._clients or self._channels:
            dues = [channel.due for channel in self._channels if channel.due is not None]
            timeout = max(0.0, min(dues) - time.monotonic()) if dues else None
            has_output = False
            # Output first: it came before the request to drain it.
            ready = [key.data for key, _ in self._selector.select(timeout)]
            for channel in [one for one in ready if isinstance(one, Channel)]:
                has_output = True
                if channel.read() == 0:
                    self._close(channel)
            for client in [one for one in ready if isinstance(one, Client)]:
                self._serve(client)
            now = time.monotonic()
            for channel in self._channels:
                if channel.due is not None and channel.due <= now:
                    channel.pause()
            if has_output:
                time.sleep(BATCH_SECONDS)

    def _add_client(self, connection: socket.socket) -> None:
        client = Client(connection)
        self._clients.add(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _serve(self, client: Client) -> None:
        requests = client.requests()
        if requests is None:
            self._selector.unregister(client.socket)
            self._clients.discard(client)
            client.socket.close()
            return
        for request in requests:
            match request:
                case {"open": str(name), "secrets": list(secrets)}:
                    source, log = client.descriptors.popleft(), client.descriptors.popleft()
                    os.set_blocking(source, False)
                    channel = Channel(name, source, log, LogMasker(secrets))
                    self._channels.add(channel)
                    self._selector.register(source, selectors.EVENT_READ, channel)
                case {"connect": _}:
                    self._add_client(socket.socket(fileno=client.descriptors.popleft()))
                case {"drain": str(name), "id": number}:
                    client.reply({"drained": number, "error": self._drain(name)})

    def _drain(self, name: str) -> int:
        """Write all that has come for a log; return the number of an error, or 0."""
        error = self._errors.pop(name, 0)
        for channel in self._channels:
            if channel.name == name:
                channel.drain()
                error, channel.error = error or channel.error, 0
        return error

    def _close(self, channel: Channel) -> None:
        self._selector.unregister(channel.source)
        self._channels.discard(channel)
        if channel.error:
            self._errors[channel.name] = channel.error
        channel.close()


def _readable_bytes(descriptor: int) -> int:
    size = array.array("i", [0])
    with suppress(OSError):
        fcntl.ioctl(descriptor, termios.FIONREAD, size, True)  # noqa: FBT003 (no keyword)
    return size[0]


def main() -> None:
    """Serve the client whose socket has the number in the arguments."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when its clients have ended
    LogServer(socket.socket(fileno=int(sys.argv[-1]))).serve()
