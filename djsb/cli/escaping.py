"""Show control characters on standard output and standard error instead of sending them.

Texts come from data, files, names, errors and plugins, and a terminal obeys what is in them. The
streams get an encoding that escapes, so that nothing can be written past it; the escapes are those
of JSON, whose strings keep their meaning. Newlines and tabs stay.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from djsb_core.text import visible

if TYPE_CHECKING:
    from io import TextIOWrapper

PREFIX = "visible_"


def escape_controls(stream: TextIOWrapper) -> None:
    """Escape the control characters that are written to a stream."""
    if not stream.encoding.startswith(PREFIX):
        encoding = codecs.lookup(stream.encoding).name.replace("-", "_")
        stream.reconfigure(encoding=f"{PREFIX}{encoding}", errors=stream.errors)


def _find(name: str) -> codecs.CodecInfo | None:
    """Return the codec ``visible_NAME``: that of NAME, after the escapes."""
    if not name.startswith(PREFIX):
        return None
    codec = codecs.lookup(name.removeprefix(PREFIX))

    class Encoder(codecs.IncrementalEncoder):
        def __init__(self, errors: str = "strict") -> None:
            super().__init__(errors)
            self._encoder = codec.incrementalencoder(errors)

        def encode(self, text: str, final: bool = False) -> bytes:  # noqa: FBT001, FBT002 (codecs')
            return self._encoder.encode(visible(text), final)

        def reset(self) -> None:
            self._encoder.reset()

        def getstate(self) -> int | str:
            return self._encoder.getstate()

        def setstate(self, state: int | str) -> None:
            self._encoder.setstate(state)

    def encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
        return codec.encode(visible(text), errors)[0], len(text)

    return codecs.CodecInfo(
        encode,
        codec.decode,
        codec.streamreader,
        codec.streamwriter,
        Encoder,
        codec.incrementaldecoder,
        name=name,
    )


codecs.register(_find)
