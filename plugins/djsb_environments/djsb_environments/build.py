"""Run the commands that create an environment: supervised, logged, and ended with djsb."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from textwrap import shorten
from typing import IO, TYPE_CHECKING

from djsb_core.api import Attempt, Masker, RequestError, is_full_disk, size_text
from djsb_environments import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from djsb_core.api import Command, WantedEnvironment

CHUNK = 65_536
LOOK_SECONDS = 0.1
SAY_SECONDS = 2.0
"""Interval at which output lines of a manager are reported."""

LINE_LENGTH = 80
"""Maximum length of a reported line, in characters."""

LAST_LINES = 15
"""Number of output lines in the error message of a failed build."""

LITTLE = 16 * 2**20
"""Free bytes below which the disk may be full; managers do not always report it."""

END_SECONDS = 10.0
LINE_END = re.compile(rb"[\r\n]+")
STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
OURS = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"}
"""Variables of the current environment, which managers must not use."""

ELSEWHERE = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"}
"""Variables with which pip would install somewhere else."""

QUIET = {"PIP_PROGRESS_BAR": "off", "UV_NO_PROGRESS": "1", "PYTHONUNBUFFERED": "1"}
INSIDE = {"PIP_USER": "0"}
"""Variables that override pip's configuration files."""


class EnvironmentBuildError(RequestError):
    """An environment cannot be created, or an existing one cannot be used."""


def clean_variables() -> dict[str, str]:
    """Return the variables for a process that must not see this Python environment."""
    hidden = OURS | ELSEWHERE
    return {name: value for name, value in os.environ.items() if name not in hidden}


class Builder:
    """Runs the commands of one build."""

    def __init__(
        self,
        wanted: WantedEnvironment,
        folder: Path,
        log: IO[str],
        say: Callable[[str], None],
        raise_if_stopped: Callable[[], None],
    ) -> None:
        """Create the environment in ``folder``.

        :param log: receives all output of the commands, without secrets
        :param raise_if_stopped: called at least every 0.2 s; an exception from it ends the build
        """
        self._wanted = wanted
        self._folder = folder
        self._log = log
        self._say = say
        self._raise_if_stopped = raise_if_stopped
        self._mask = Masker.of(None).text
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._reported_at = 0.0

    def run(self, commands: Sequence[Command]) -> None:
        """Run the commands in sequence.

        :raises EnvironmentBuildError: if one fails
        """
        for command in commands:
            self._write(f"$ {' '.join(command)}")
            self._last.clear()
            status = self._run(command)
            if status != 0 and not isinstance(command, Attempt):
                raise EnvironmentBuildError(self._failure(command, status))

    def _run(self, command: Command) -> int:
        start = [sys.executable, "-I", "-S", guard.__file__, str(self._folder), *command]
        process = subprocess.Popen(  # noqa: S603 (a manager's command, under our guard)
            start,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=self._folder.parent,
            env={**clean_variables(), **QUIET, **INSIDE},
        )
        try:
            for line in self._lines(process):
                self._take(line)
            return process.wait(END_SECONDS)
        finally:
            _end(process)

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[str]:
        """Yield the output lines of a process until it has ended and all output is read."""
        if process.stdout is None:
            raise ValueError("the process has no pipe")
        readable, rest = select.poll(), b""
        readable.register(process.stdout, select.POLLIN | select.POLLHUP)
        while True:
            self._raise_if_stopped()
            ended = process.poll() is not None  # checked first: then the pipe has everything
            if readable.poll(0 if ended else 1000 * LOOK_SECONDS):
                piece = os.read(process.stdout.fileno(), CHUNK)
                if not piece:
                    break
                *lines, rest = LINE_END.split(rest + piece)
                yield from map(_plain, lines)
            elif ended:
                break
        yield _plain(rest)

    def _take(self, line: str) -> None:
        if not line.strip():
            return
        self._last.append(self._write(line))
        now = time.monotonic()
        if now - self._reported_at >= SAY_SECONDS:
            self._reported_at = now
            text = shorten(self._last[-1], LINE_LENGTH, placeholder=" …")
            self._say(f"{self._wanted.label}: {text}")

    def _write(self, line: str) -> str:
        masked = self._mask(line)
        self._log.write(f"{masked}\n")
        self._log.flush()
        return masked

    def _failure(self, command: Command, status: int) -> str:
        program = f"{Path(command[0]).name} {' '.join(command[1:3])}"
        lines = "\n".join(f"    {line}" for line in self._last)
        if not is_full_disk(OSError(lines)) and (free := self._free()) < LITTLE:
            lines += f"\n    No space left on device? Only {size_text(free)} are free"
        return (
            f"cannot create the environment {self._wanted.label}: `{program} …` failed with exit "
            f"code {status}\n{lines}\n  full log: {self._log.name}"
        )

    def _free(self) -> int:
        return shutil.disk_usage(self._folder.parent).free


def _plain(line: bytes) -> str:
    return STYLE.sub("", line.decode(errors="replace")).rstrip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Cut the lifeline: if the command is still running, the guard kills it and cleans up."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END_SECONDS)
