"""Manage a worker process: start it, exchange messages with it, end it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from djsb_core.job.log_client import log_client
from djsb_core.job.process_tree import find_tree, kill_tree, signal_group
from djsb_core.job.protocol import CHUNK, TOKEN, LineSplitter, decode, encode, write_all

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from djsb_core.interfaces.interpreter import Interpreter

ALIVE_SECONDS = 0.2
"""How often to check that the process is alive: its children may hold its pipe open."""

BOOTSTRAP = (
    "import sys; sys.path = [folder for folder in sys.path if folder]; "
    "from djsb_core.job.worker import main; main()"
)
"""As ``python -P -m djsb_core.job.worker``; the empty folder means the working directory."""

CLOSE_SECONDS = 2.0
REAP_SECONDS = 5.0
SIGNAL_WORDS = {
    signal.SIGABRT: "aborted (SIGABRT)",
    signal.SIGKILL: "killed by SIGKILL (out of memory?)",
    signal.SIGSEGV: "segmentation fault (SIGSEGV)",
}


class WorkerEndedError(Exception):
    """The process has ended, or has closed its pipe."""


class WorkerHandle:
    """A process that runs ``djsb_core.job.worker``, in its own session.

    It may be interrupted and killed from any thread and from a signal handler; all other methods
    may be called from one thread at a time.
    """

    def __init__(self, interpreter: Interpreter | None = None) -> None:
        """Start the process; it sends ``hello`` when it is ready.

        :param interpreter: of an isolated environment; by default, the current one
        """
        self.interpreter = interpreter
        self.has_worked = False
        """Whether it has run a job."""
        self._variables = _variables(interpreter)
        self._token = uuid.uuid4().hex
        self._splitter = LineSplitter()
        self._events: deque[dict[str, Any]] = deque()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `discard`)
        logs = log_client().connect()
        self._pipe, write_end = os.pipe()
        descriptors = (write_end, logs.fileno())
        try:
            self._process = subprocess.Popen(  # noqa: S603 (a known interpreter, our own module)
                [
                    *_command(interpreter),
                    *map(str, descriptors),
                    *_own_pythonpath(interpreter),
                ],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                pass_fds=descriptors,
                start_new_session=True,
                env={**self._variables, TOKEN: self._token},
            )
        except BaseException:
            os.close(self._pipe)
            self._stderr.close()
            raise
        finally:
            os.close(write_end)
            logs.close()
        self._readable = select.poll()
        self._readable.register(self._pipe, select.POLLIN)

    @property
    def pid(self) -> int:
        """Process id, and id of the process group."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self._process.poll() is None

    def is_current(self) -> bool:
        """Return whether it has the same module search path as this process has now."""
        return _variables(self.interpreter)["PYTHONPATH"] == self._variables["PYTHONPATH"]

    def surroundings(self, folder: Path) -> dict[str, Any]:
        """Return changes of this process's surroundings since the last message, for the next job.

        The working directory, and the changed environment variables; ``None``: it was removed.

        :param folder: the working directory in which the job was planned
        """
        previous, current = self._variables, _variables(self.interpreter)
        self._variables = current
        changed: dict[str, str | None] = dict.fromkeys(previous.keys() - current.keys())
        changed |= {name: value for name, value in current.items() if previous.get(name) != value}
        return {"working_directory": str(folder), "changed_variables": changed}

    def has_others(self) -> bool:
        """Return whether processes started by the worker are alive."""
        return bool(find_tree(self.pid, self._token) - {self.pid})

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one line.

        :raises WorkerEndedError: if the process has ended
        """
        if self._process.stdin is None:
            raise WorkerEndedError
        try:
            write_all(self._process.stdin.fileno(), encode(message))
        except BrokenPipeError as error:
            raise WorkerEndedError from error

    def next_event(self, seconds: float) -> dict[str, Any] | None:
        """Wait for an event; ``None`` if there is none within that time.

        :raises WorkerEndedError: if the process has ended, and all its output was read
        """
        deadline = time.monotonic() + seconds
        while not self._events:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            ended = not self.is_alive()  # checked first: its output is then in the pipe
            if self._readable.poll(1000 * min(remaining, ALIVE_SECONDS)):
                self._read()
            elif ended:
                raise WorkerEndedError
        return self._events.popleft()

    def _read(self) -> None:
        chunk = os.read(self._pipe, CHUNK)
        if not chunk:
            raise WorkerEndedError
        events = (decode(line) for line in self._splitter.split(chunk))
        self._events += [event for event in events if event is not None]

    def interrupt(self) -> None:
        """Send SIGINT to the process and its children."""
        signal_group(self.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill the process and all its descendants."""
        kill_tree(self.pid, self._token)

    def close(self) -> None:
        """Let the idle process exit by itself, as libraries expect; kill it if it is slow."""
        with suppress(WorkerEndedError, subprocess.TimeoutExpired):
            self.send({"close": True})
            self._process.wait(CLOSE_SECONDS)
        self.discard()

    def discard(self) -> None:
        """Kill the process and any remaining children, and close its files."""
        self.kill()
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel: nothing more can be done
            self._process.wait(REAP_SECONDS)
        self._stderr.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def describe_end(self) -> str:
        """Describe how the process ended."""
        try:
            status = self._process.wait(REAP_SECONDS)
        except subprocess.TimeoutExpired:
            return "it closed its report pipe"
        if status >= 0:
            return f"exit code {status}"
        try:
            number = signal.Signals(-status)
        except ValueError:  # a real-time signal
            return f"killed by signal {-status}"
        return SIGNAL_WORDS.get(number, f"killed by {number.name}")

    def last_error_line(self) -> str:
        """Return the last line that the process wrote to stderr before it was ready."""
        self._stderr.seek(0)
        lines = self._stderr.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")


def _command(interpreter: Interpreter | None) -> list[str]:
    """Return a worker's command: without the working directory and user site on its path.

    For the former Python has ``-P`` from 3.11 on; environments may have an older Python.
    """
    if interpreter is None:
        return [sys.executable, "-P", "-m", "djsb_core.job.worker"]
    return [str(interpreter.python), "-s", "-c", BOOTSTRAP]


def _variables(interpreter: Interpreter | None) -> dict[str, str]:
    """Return the worker's environment, in which it finds this process's djsb."""
    if interpreter is None:
        # '' means the working directory. Absent folders are left out: Data-Juicer appends one that
        # is relative to its own repository, so the path would change with the working directory.
        places = [os.path.abspath(folder) for folder in sys.path]  # noqa: PTH100
        folders = [place for place in places if os.path.exists(place)]  # noqa: PTH110
        return {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    excluded = {"PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"}
    inherited = {name: value for name, value in os.environ.items() if name not in excluded}
    return {
        **inherited,
        **interpreter.variables,
        "PYTHONPATH": str(interpreter.importable),
        "PYTHONNOUSERSITE": "1",
    }


def _own_pythonpath(interpreter: Interpreter | None) -> list[str]:
    """Return the ``PYTHONPATH`` for the jobs' child processes, as djsb's own would have."""
    if interpreter is not None:
        return [str(interpreter.importable)]
    return [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
