"""Run code of plugins so that it breaks only itself."""

from __future__ import annotations

import fcntl
import os
import resource
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO, cast

from djsb_core.errors import DjsbError
from djsb_core.faults import describe_error, is_interrupt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import NoReturn

STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}
LAST = 1024
"""Copies of the standard streams get the descriptors before this one, out of the way."""


class PluginFault(Exception):  # noqa: N818 (a fault of the plugin, not an error of djsb)
    """Plugin code raised an error, or closed a standard stream; its message says which."""


class contained:  # noqa: N801 (read as a statement: `with contained(…)`)
    """Let plugin code raise nothing but :class:`PluginFault`, a DjsbError, and the user's Ctrl-C.

    Standard streams that it closes are opened again.
    """

    def __init__(self, what: str) -> None:
        """Contain nothing yet.

        :param what: whose code it is: ``listener 'a' of djsb-b``
        """
        self._what = what
        self._streams: dict[str, TextIO | None] = {}

    def __enter__(self) -> None:
        """Remember the standard streams."""
        _copies.keep()
        self._streams = {name: getattr(sys, name) for name in STREAMS.values()}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Open again what was closed, and replace what was raised."""
        closed = _copies.restore(self._what)
        closed |= dict.fromkeys(name for name in self._streams if self._restore(name))
        if error is None:
            if closed:
                raise PluginFault(f"it closed {', '.join(closed)}")
        elif not (isinstance(error, DjsbError | PluginFault) or is_interrupt(error)):
            raise PluginFault(describe_error(error)) from error

    def _restore(self, name: str) -> bool:
        """Return whether Python's object for a stream was lost, and replace it."""
        before, now = self._streams[name], getattr(sys, name)
        if before is None or not (now is None or now.closed):
            return False
        if before.closed:
            mode, descriptor = ("r" if name == "stdin" else "w"), _number(name)
            # As long as the process: nobody closes a standard stream.
            stream = open(descriptor, mode, closefd=False, errors="backslashreplace")  # noqa: SIM115
            before = cast("TextIO", stream)
        setattr(sys, name, before)
        return True


@contextmanager
def contained_import(what: str) -> Iterator[None]:
    """Contain the import of plugin code, which may even call ``os._exit``.

    :param what: whose code it is
    """
    original, thread, process = os._exit, threading.get_ident(), os.getpid()
    importing = True

    def end(status: int) -> NoReturn:
        if importing and (threading.get_ident(), os.getpid()) == (thread, process):
            raise SystemExit(status)
        original(status)

    with contained(what):
        vars(os)["_exit"] = end
        try:
            yield
        finally:
            importing = False
            vars(os)["_exit"] = original


class _Copies:
    """Copies of the standard streams' descriptors, to open again what plugin code closes."""

    def __init__(self) -> None:
        self._copies: dict[int, int] = {}
        self._witness: int | None = None
        """A descriptor that is closed only with many others."""

    def keep(self) -> None:
        """Make the copies, once."""
        if self._witness is not None:
            return
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        first = (LAST if limit == resource.RLIM_INFINITY else min(limit, LAST)) - 2 * len(STREAMS)
        for descriptor in STREAMS:
            with suppress(OSError):
                copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, first)
                self._copies[descriptor] = copy
        self._witness = os.open(os.devnull, os.O_RDONLY)

    def restore(self, what: str) -> dict[str, None]:
        """Open the standard streams that were closed; return their names.

        If all files of this process were closed, it cannot continue: a database would be written
        into whatever file is opened next.
        """
        if self._witness is not None and not _is_open(self._witness):
            self._end(what)
        closed: dict[str, None] = {}
        for descriptor, copy in self._copies.items():
            if not _is_open(descriptor):
                os.dup2(copy, descriptor)
                closed[STREAMS[descriptor]] = None
        return closed

    def _end(self, what: str) -> NoReturn:
        text = f"Error: {what} closed all files of this process, which ends; mend or uninstall it"
        for descriptor in (2, self._copies.get(2, 2)):
            with suppress(OSError):
                os.write(descriptor, f"{text}\n".encode())
                break
        os._exit(DjsbError.exit_code)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _number(name: str) -> int:
    return next(number for number, known in STREAMS.items() if known == name)


_copies = _Copies()
