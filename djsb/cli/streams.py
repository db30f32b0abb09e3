"""Standard streams that break nothing: closed, full, cut off by ``| head``, or only for ASCII."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO, cast

from djsb_core.text import visible

if TYPE_CHECKING:
    from io import BufferedWriter

STDIN, STDOUT, STDERR = 0, 1, 2

PLAIN = "djsb.plain"
"""Name of the error handler that replaces what an encoding lacks."""
REPLACEMENTS = {
    "→": "->",
    "…": "...",
    "±": "+-",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{MINUS SIGN}": "-",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "·": "-",
    "•": "*",
    "≥": ">=",
    "≤": "<=",
    "✓": "+",
    "✗": "x",
}
"""Signs in texts of djsb, as ASCII has them."""


class OutputStream(TextIOWrapper):
    """A standard stream whose reader may be absent, leave, or understand few characters.

    What cannot be written is lost, once with a message; the command continues.
    """

    def __init__(
        self,
        buffer: BufferedWriter,
        encoding: str,
        *,
        line_buffering: bool,
        escapes_controls: bool = True,
    ) -> None:
        """Write to a buffer.

        :param encoding: of the reader
        :param escapes_controls: show control characters: texts come from data, files, names,
            errors and plugins, and a terminal would obey what is in them
        """
        name = codecs.lookup(encoding).name
        # click would write UTF-8 to a stream that calls itself ASCII.
        super().__init__(
            buffer,
            "utf-8" if name == "ascii" else name,
            errors="backslashreplace",
            line_buffering=line_buffering,
        )
        self.lacks_unicode = not name.startswith("utf")
        self._escapes_controls = escapes_controls
        self.failure: OSError | None = None
        """Why text was lost, if the reader still wanted it."""
        self.reader = name
        """The encoding that the reader understands."""

    def write(self, text: str) -> int:
        """Write a text as far as the reader understands it."""
        shown = visible(text) if self._escapes_controls else text
        if self.lacks_unicode:
            shown = shown.encode(self.reader, PLAIN).decode(self.reader)
        try:
            super().write(shown)
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Write what is held back."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def close(self) -> None:
        """Close the stream; a standard one is only flushed, whoever closes it."""
        if self.closed or self.fileno() not in {STDOUT, STDERR}:
            super().close()
        else:
            self.flush()

    def _lose(self, error: OSError) -> None:
        """Discard what is held back and all that follows; say so, if anybody listens."""
        descriptor = self.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
        with suppress(OSError):
            super().flush()
        if error.errno == errno.EPIPE:  # as `| head` does: it has read what it wanted
            return
        self.failure = error
        if descriptor == STDOUT:
            sys.stderr.write(f"Error: standard output cannot be written: {error.strerror}\n")


def prepare_streams() -> None:
    """Open the standard streams that are closed, and let none of them end a command."""
    for descriptor in (STDIN, STDOUT, STDERR):
        _open_if_closed(descriptor)
    if sys.stdin is None:
        sys.stdin = open(STDIN, closefd=False)  # noqa: SIM115 (for the whole process)
    # Only here: this process belongs to the command.
    sys.stdout = _prepared(sys.stdout, STDOUT)
    sys.stderr = _prepared(sys.stderr, STDERR)


def copy_of_stderr() -> OutputStream:
    """Return a stream to where standard error leads now, to be closed by the caller.

    It can move the cursor: what is written to it must have no other control characters.
    """
    encoding = sys.stderr.encoding or "utf-8"
    if isinstance(sys.stderr, OutputStream):
        encoding = sys.stderr.reader
    buffer = os.fdopen(os.dup(STDERR), "wb")
    return OutputStream(buffer, encoding, line_buffering=True, escapes_controls=False)


def lost_output() -> bool:
    """Return whether text for standard output was lost that its reader still wanted."""
    sys.stdout.flush()
    return isinstance(sys.stdout, OutputStream) and sys.stdout.failure is not None


def _open_if_closed(descriptor: int) -> None:
    """Let a closed descriptor lead nowhere: otherwise the next file that is opened has it."""
    try:
        os.fstat(descriptor)
    except OSError:
        mode = os.O_RDONLY if descriptor == STDIN else os.O_WRONLY
        nowhere = os.open(os.devnull, mode)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        os.set_inheritable(descriptor, True)  # noqa: FBT003 (takes no keyword)


def _prepared(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        buffer = open(descriptor, "wb", closefd=False)  # noqa: SIM115 (for the whole process)
        return OutputStream(buffer, "utf-8", line_buffering=True)
    if not isinstance(stream, TextIOWrapper):  # replaced by whoever calls
        return stream
    return OutputStream(
        cast("BufferedWriter", stream.buffer), stream.encoding, line_buffering=stream.line_buffering
    )


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace what an encoding lacks: signs by similar ones, all else by escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(map(_plain, wrong)), error.end


def _plain(character: str) -> str:
    escaped = character.encode("ascii", "backslashreplace").decode("ascii")
    return REPLACEMENTS.get(character, escaped)


codecs.register_error(PLAIN, _replace)
