"""The texts in which a known secret can appear: as it is, escaped, quoted and encoded."""

from __future__ import annotations

import base64
import html
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHORTEST_LINE = 12
"""Minimum length of a line of a secret that is masked by itself."""

SHORTEST_CODE = 7
"""Minimum length of an encoded form."""

BASE64 = re.compile(r"[\w+/=-]*", re.ASCII)
BASE64_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
LONGEST_USER = 1024
"""Number of characters before an encoded secret that are masked with it: a user's name."""


@lru_cache(maxsize=1024)
def forms_of(secret: str) -> tuple[tuple[str, bool], ...]:
    """Return the forms of a secret; for each, whether it is a part of a longer Base64 text."""
    data = secret.encode("utf-8", "surrogatepass")
    forms = dict.fromkeys([*_quoted(secret, data), data.hex(), data.hex().upper()], False)
    for code in _base64(data):
        forms.setdefault(code, True)
    return tuple(forms.items())


def _quoted(secret: str, data: bytes) -> Iterator[str]:
    yield secret
    lines = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        yield secret.strip()
        yield from ("\n".join(lines).strip(), "\r\n".join(lines).strip(), " ".join(lines).strip())
        # Something may have put a prefix before each line.
        yield from (line for line in lines if _is_telling(line))
    for text in (secret, secret.strip()):
        in_json = json.dumps(text)[1:-1]
        yield from (in_json, json.dumps(text, ensure_ascii=False)[1:-1])
        yield from (json.dumps(in_json)[1:-1], in_json.replace("/", "\\/"))
        in_repr = text.encode("unicode_escape").decode("ascii")
        yield from (in_repr, in_repr.replace("'", "\\'"), repr(in_repr)[1:-1])
        yield from (repr(text)[1:-1], ascii(text)[1:-1])
        yield text.replace("'", "'\"'\"'")  # a shell's
        yield text.replace("'", "''")  # YAML's and SQL's
        yield from (html.escape(text), html.escape(text, quote=False))
    yield repr(data)[2:-1]
    for text in (quote(data), quote(data, safe=""), quote_plus(data), quote(data, safe="!*'()")):
        yield text
        yield re.sub("%..", lambda found: found[0].lower(), text)
        yield text.replace("%", "%25")


def _is_telling(line: str) -> bool:
    return len(line) >= SHORTEST_LINE and not line.startswith("-----")


def _base64(data: bytes) -> Iterator[str]:
    """Yield what Base64 makes of the secret after zero, one or two other bytes.

    As in the Basic scheme, where the name of a user and a colon precede it.
    """
    for before in range(3):
        code = base64.b64encode(bytes(before) + data).decode()
        start, end = -(-8 * before // 6), 8 * (before + len(data)) // 6
        if end - start >= SHORTEST_CODE:
            yield code[start:end]
            yield code[start:end].replace("+", "-").replace("/", "_")


LONGEST_BEGINNING = 16_384
"""Number of characters of a secret that are held back until the rest comes."""


class KnownSecrets:
    """Finds secrets that are known by value."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Look for these secrets."""
        forms = dict(form for secret in secrets for form in forms_of(secret))
        self._forms = sorted(forms.items(), key=lambda form: -len(form[0]))
        self._over_lines = [form for form, _ in self._forms if "\n" in form]

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where they are; the places may overlap."""
        for form, is_base64 in self._forms:
            start = text.find(form)
            while start >= 0:
                end = start + len(form)
                if is_base64:
                    start, end = _whole_code(text, start, end)
                yield start, end
                start = text.find(form, end)

    def begun(self, text: str, *, over_lines: bool) -> int:
        """Return where a secret may begin that the end of the text cuts off; else its length.

        :param over_lines: consider only secrets of several lines
        """
        first = len(text)
        for form in self._over_lines if over_lines else [form for form, _ in self._forms]:
            length = min(len(form) - 1, LONGEST_BEGINNING)
            at = text.find(form[0], max(0, len(text) - length), first)
            while at >= 0 and not form.startswith(text[at:]):
                at = text.find(form[0], at + 1, first)
            if at >= 0:
                first = at
        return first


def _whole_code(text: str, start: int, end: int) -> tuple[int, int]:
    """Extend a place to all of the Base64 text around it."""
    limit = max(0, start - LONGEST_USER)
    while start > limit and text[start - 1] in BASE64_CHARACTERS:
        start -= 1
    match = BASE64.match(text, end)
    return start, match.end() if match else end
