"""Run one command that must not outlive djsb: ``python guard.py FOLDER COMMAND...``.

Its stdin is a lifeline: when the other end is closed (also because djsb was killed), the command
and all that it has started are killed, and what it has left of FOLDER is removed. It imports the
standard library only, and is started by its path: it finds nothing of djsb's environment.
"""

import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import suppress

LOOK_SECONDS = 0.02
"""How often to look whether the command has ended."""

NOT_STARTED = 127
"""Exit code where there is no such command, as shells have it."""

SIGNALLED = 128


def main() -> int:
    """Run the command and return its exit code, after a signal 128 more than that, as shells do."""
    folder, *command = sys.argv[1:]
    try:
        process = subprocess.Popen(  # noqa: S603 (what a manager returned; no shell reads it)
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
