"""Write files so that nobody ever reads one half-written."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from djsb_core.access import Access


def write_whole(path: Path, text: str, *, access: Access | None = None) -> None:
    """Write a text file so that readers see all of it, or what was there before.

    What is not Unicode text, as in some file names, is escaped.

    :param access: who may read and write it; by default, as the umask says
    :raises OSError: if it cannot be written; what was there before stays
    """
    with replacing(path, errors="backslashreplace", access=access) as file:
        file.write(text)


@contextmanager
def replacing(
    path: Path, *, durable: bool = False, errors: str = "strict", access: Access | None = None
) -> Iterator[TextIO]:
    """Open a text file for writing that takes its name only once the block has ended well.

    :param durable: it outlives a power failure after the block
    :param errors: what becomes of text that is not UTF-8; see :func:`open`
    :param access: who may read and write it; by default, as the umask says
    """
    with beside(path) as partial:
        if access is not None:
            access.make_file(partial)
        with partial.open("w", encoding="utf-8", errors=errors, newline="") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
    if durable:
        _sync_folder(path.parent)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Name a new file that takes the name of another once the block has ended well."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield partial
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing
            raise
    finally:
        os.close(descriptor)
