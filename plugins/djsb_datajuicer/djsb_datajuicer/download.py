"""Downloads files: resumed after an interruption, moved into place when their digest is right."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, can_reach, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

CHUNK = 1 << 16
"""Bytes at a time; of a broken connection at most these are lost."""
TIMEOUT = 10.0
"""Seconds without an answer, or without a byte."""
ATTEMPTS = 5
"""Failures in a row, without a byte in between, before the next address is tried."""
SHA256 = re.compile(r'"?([0-9a-f]{64})"?')
PARTIAL, MISSING, NO_SUCH_RANGE = 206, 400, 416


class DownloadError(ComponentError):
    """A file could not be downloaded."""


def download(
    urls: Sequence[str],
    target: Path,
    sha256: str | None = None,
    progress: Callable[[int, int | None], None] = lambda _done, _size: None,
) -> None:
    """Download a file from the first address that has it.

    What an earlier call left in ``.NAME.part`` is continued.

    :param sha256: the digest that the file must have; by default the one that a hub sends
    :param progress: called with the bytes so far and the size, if known
    :raises DownloadError: if no address has the file, or its digest is wrong
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    reasons = []
    with _alone_in(target.parent):
        if target.exists():  # by another process, in the meantime
            return
        for url in urls:
            try:
                _download(url, target, sha256, progress)
            except DownloadError as error:
                reasons.append(str(error))
            else:
                return
    raise DownloadError(f"{target.name}: not downloaded: {'; '.join(reasons) or 'no address'}")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process downloads to a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _download(
    url: str, target: Path, sha256: str | None, progress: Callable[[int, int | None], None]
) -> None:
    part = target.with_name(f".{target.name}.part")
    was_begun = part.exists()
    announced = _fetch(url, part, progress)
    wanted = sha256 or announced
    if wanted is None or _digest(part) == wanted:
        part.replace(target)
        return None
    part.unlink()
    if was_begun:  # by another version of the file: once more, from its first byte
        return _download(url, target, sha256, progress)
    raise DownloadError(f"{url}: the digest is not {wanted}")


def _fetch(url: str, part: Path, progress: Callable[[int, int | None], None]) -> str | None:
    """Complete a file; return the digest that the server says it has, if any."""
    import requests

    if not can_reach(url):
        raise DownloadError(f"{url}: cannot be reached")
    failures = 0
    while True:
        size = part.stat().st_size if part.exists() else 0
        try:
            return _continue(url, part, progress)
        except requests.RequestException as error:
            now = part.stat().st_size if part.exists() else 0
            failures = 0 if now > size else failures + 1
            if failures == ATTEMPTS or isinstance(error, requests.exceptions.InvalidSchema):
                raise DownloadError(f"{url}: {_reason(error)}") from error


def _continue(url: str, part: Path, progress: Callable[[int, int | None], None]) -> str | None:
    import requests

    done = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={done}-", "Accept-Encoding": "identity"}
    with closing(requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)) as response:
        digest = _announced(response)
        if response.status_code == NO_SUCH_RANGE and done:
            if _whole_size(response) == done:
                return digest
            part.unlink()
            return _continue(url, part, progress)
        if response.status_code >= MISSING:
            raise DownloadError(f"{url}: {response.status_code} {response.reason}")
        if response.status_code != PARTIAL:
            done = 0
        length = response.headers.get("Content-Length")
        size = None if length is None else done + int(length)
        _check_room(part, size, done)
        with part.open("ab" if done else "wb") as file:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, size)
    return digest


def _announced(response: Any) -> str | None:  # noqa: ANN401 (a response, untyped)
    """Return the SHA-256 that a hub sends with a large file, maybe before a redirection."""
    for answer in (*response.history, response):
        match = SHA256.fullmatch(answer.headers.get("X-Linked-Etag", ""))
        if match:
            return match[1]
    return None


def _whole_size(response: Any) -> int | None:  # noqa: ANN401 (a response, untyped)
    size = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(size) if size.isdigit() else None


def _check_room(part: Path, size: int | None, done: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if size is not None and size - done > free:
        missing = size_text(size - done - free)
        raise ComponentError(f"{part.parent}: no room for {size_text(size)}; {missing} are missing")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return f"no answer within {TIMEOUT:.0f} s"
    if isinstance(error, requests.ConnectionError):
        return "the connection broke"
    return " ".join(str(error).split())
