"""The connection of this process to the one that writes logs."""

from __future__ import annotations

import atexit
import errno
import fcntl
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from djsb_core.job.protocol import CHUNK, LineSplitter, decode, encode

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

FOLDER = Path(__file__).parents[2]
"""From which this package is imported."""

CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from djsb_core.job.log_writer import main; main()"
)
PIPE_BYTES = 1 << 20
"""How much a job can write before it has to wait, where the system allows it."""

END_SECONDS = 1.0
"""How long to wait at the end; a process that outlives its job may write for longer."""


class LogClient:
    """One client of the process that writes logs."""

    def __init__(self, connection: socket.socket) -> None:
        """Use the socket that leads there."""
        self._socket = connection
        self._splitter = LineSplitter()
        self._lock = Lock()
        self._number = 0
        self._owner = os.getpid()

    @classmethod
    def start(cls) -> LogClient:
        """Start the process."""
        import subprocess  # not in workers, which have a connection

        own, other = socket.socketpair()
        with other:
            process = subprocess.Popen(  # noqa: S603 (our own module)
                [sys.executable, "-I", "-S", "-c", CODE, str(FOLDER), str(other.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(other.fileno(),),
                start_new_session=True,  # Ctrl-C is for the jobs
                cwd="/",
            )
        client = cls(own)
        atexit.register(client.close, process)
        return client

    def is_usable(self) -> bool:
        """Return whether the process lives, and this one has not been forked from its owner."""
        if self._owner != os.getpid():
            return False
        try:
            return self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def open(self, log: Path, secrets: Sequence[str]) -> int:
        """Open a log for appending, created for its owner only; return where to write output.

        :param secrets: masked in the output
        """
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            source, output = os.pipe()
            with suppress(OSError, AttributeError):  # of Linux
                fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            try:
                with self._lock:
                    request = {"open": os.path.abspath(log), "secrets": list(secrets)}  # noqa: PTH100
                    self._send(request, [source, target])
            except BaseException:
                os.close(output)
                raise
            finally:
                os.close(source)
        finally:
            os.close(target)
        return output

    def connect(self) -> socket.socket:
        """Connect another process; return the socket to pass to it."""
        own, other = socket.socketpair()
        with other, self._lock:
            self._send({"connect": True}, [other.fileno()])
        return own

    def drain(self, log: Path) -> None:
        """Wait until a log has everything that was written before.

        :raises OSError: if it could not be written
        """
        if self._owner != os.getpid():  # a process that a job has forked
            return
        with self._lock:
            self._number += 1
            self._send({"drain": os.path.abspath(log), "id": self._number}, [])  # noqa: PTH100
            while (answer := self._receive()).get("drained") != self._number:
                pass  # of an earlier request that was interrupted
        if number := answer["error"]:
            raise OSError(number, os.strerror(number), str(log))

    def close(self, process: subprocess.Popen[bytes]) -> None:
        """Let the process end: it writes what is left."""
        from subprocess import TimeoutExpired

        if self._owner == os.getpid():
            self._socket.close()
            with suppress(TimeoutExpired, KeyboardInterrupt):  # it ends by itself
                process.wait(END_SECONDS)

    def _send(self, message: Mapping[str, Any], descriptors: Sequence[int]) -> None:
        if descriptors:
            socket.send_fds(self._socket, [b"\n"], descriptors)
        self._socket.sendall(encode(message))

    def _receive(self) -> dict[str, Any]:
        while True:
            data = self._socket.recv(CHUNK)
            if not data:
                raise OSError(errno.EPIPE, "the process that writes logs has ended")
            for line in self._splitter.split(data):
                if (message := decode(line)) is not None:
                    return message


class _OfProcess:
    """The client of this process."""

    client: LogClient | None = None
    lock = Lock()


def log_client() -> LogClient:
    """Return the client of this process; the process that writes logs is started for the first."""
    with _OfProcess.lock:
        if _OfProcess.client is None or not _OfProcess.client.is_usable():
            _OfProcess.client = LogClient.start()
        return _OfProcess.client


def use_connection(descriptor: int) -> None:
    """Use a socket that another process has passed to this one."""
    os.set_inheritable(descriptor, False)  # noqa: FBT003 (it takes no keyword)
    _OfProcess.client = LogClient(socket.socket(fileno=descriptor))
