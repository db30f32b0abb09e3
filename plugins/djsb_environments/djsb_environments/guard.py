"""Run one command that must not outlive djsb: ``python guard.py FOLDER COMMAND...``.

Its stdin is a lifeline: when the other end is closed (also because djsb was killed), the command
and all processes that it has started are killed, and FOLDER is removed. It imports the standard
library only, and is started by its path: it does not see djsb's environment.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

LOOK_SECONDS = 0.02
"""Interval at which the command is polled."""

NOT_STARTED = 127
"""Exit code if the command is not found, as in shells."""

SIGNALLED = 128


def main() -> int:
    """Run the command and return its exit code, or 128 plus the signal that killed it."""
    folder, *command = sys.argv[1:]
    try:
        process = subprocess.Popen(  # noqa: S603 (a manager's command, without a shell)
            command, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return NOT_STARTED
    lifeline = sys.stdin.fileno()
    while process.poll() is None:
        if select.select([lifeline], [], [], LOOK_SECONDS)[0] and not os.read(lifeline, 1):
            _kill(process)
            shutil.rmtree(folder, ignore_errors=True)
            break
    status = process.wait()
    return status if status >= 0 else SIGNALLED - status


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
