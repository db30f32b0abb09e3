"""Mask a stream of text while it comes in, whatever pieces it comes in."""

from __future__ import annotations

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING

from djsb_core.masking import MASK, Masker
from djsb_core.secret_shapes import open_key, rendered

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTEXT = 1024
"""Number of characters before the new ones that are considered with them."""

LONGEST = 1 << 20
"""Number of characters without a line break that are kept before they are written."""


class LogMasker:
    """Masks the output of one job. It holds back only what may be the beginning of a secret."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Mask these secrets, and whatever has the shape of one."""
        self._masker = Masker(secrets)
        self._decoder = getincrementaldecoder("utf-8")("surrogateescape")
        self._context = ""
        self._pieces: list[str] = []
        self._waiting = 0

    @property
    def is_waiting(self) -> bool:
        """Whether some text is held back."""
        return bool(self._pieces)

    def feed(self, data: bytes) -> bytes:
        """Take the next piece; return what can be written: complete lines."""
        text = self._decoder.decode(data)
        if not text:
            return b""
        self._pieces.append(text)
        self._waiting += len(text)
        if "\n" in text or "\r" in text or self._waiting >= LONGEST:
            return self._take(whole_lines=self._waiting < LONGEST)
        return b""

    def pause(self) -> bytes:
        """Return an unfinished line, but for what may be the beginning of a secret."""
        return self._take(whole_lines=False) if self._pieces else b""

    def end(self) -> bytes:
        """Return all the rest."""
        self._pieces.append(self._decoder.decode(b"", final=True))
        self._decoder.reset()
        return self._take(whole_lines=False, final=True)

    def _take(self, *, whole_lines: bool, final: bool = False) -> bytes:
        window = "".join((self._context, *self._pieces))
        start = len(self._context)
        spans = self._masker.spans(window)
        end = len(window)
        if whole_lines:
            end = max(window.rfind("\n"), window.rfind("\r")) + 1
        if not final:
            end = max(start, self._safe_end(window[:end], spans, over_lines=whole_lines))
        text = rendered(window, spans, MASK, start, end)
        self._pieces = [window[end:]] if end < len(window) else []
        self._waiting = len(window) - end
        self._context = window[max(0, end - CONTEXT) : end]
        return text.encode("utf-8", "surrogateescape")

    def _safe_end(self, text: str, spans: list[tuple[int, int]], *, over_lines: bool) -> int:
        """Return where a secret may begin that the next piece continues."""
        end = min(self._masker.known.begun(text, over_lines=over_lines), open_key(text))
        for first, last in reversed(spans):
            if last < end:
                break
            # A secret is written whole. One that never ends is written piece by piece.
            if first < end and (last > end or not over_lines) and len(text) - first < LONGEST:
                end = first
        return end
