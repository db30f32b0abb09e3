"""Where a text has the shape of a secret, even if its value is unknown.

Each search is one pass: a log may have lines of megabytes. What precedes a value is bounded, and
a name is only looked for where a word begins.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Span = tuple[int, int]

SHORTEST = 6
"""Minimum length of a bare name in an address that is taken for a token."""

ADDRESS = "://"
USER_INFO = re.compile(r"[^/\s@]+(?=@)")
"""What stands before the host of an address: ``name:password``, a name, or a token."""
SCHEME = re.compile(r"[a-zA-Z][\w+.-]*\Z")
LONGEST_SCHEME = 40

NAMED = re.compile(
    r"""(?x)
    (?<![\w.-]) (?P<name>[\w-][\w.-]{0,126}) (?P<close>\\{0,7}["'])? (?P<before>[ \t]{0,4})
    (?P<separator>=>|:=|[:=]) (?P<after>[ \t]{0,8}) (?P<open>[rbuf]{0,2} (?P<quote>\\{0,7}["']))?
    """
)
"""A name and what separates it from its value: ``X_API_KEY=``, ``"api_key": "``, ``token: ``."""

SWITCH = re.compile(
    r"""(?<![\w-])--?(?P<name>[a-zA-Z][\w-]{0,126})(?:["'],)?[ \t]{1,4}(?=[^\s-])"""
)
"""An option of a command line: ``--api-key VALUE``."""

PAIR = re.compile(
    r"""(?ix)
    (?<![\w-]) (?P<close>\\{0,7}["'])? (?:name|key|header|variable|env) \\{0,7}["']? [ \t]{0,4}
    [:=] \s{0,8} \\{0,7}["']? (?P<name>[\w.-]{1,127}) (?![\w.-]) \\{0,7}["']?
    \s{0,8} ,? \s{0,64} \\{0,7}["']? (?:value|val) \\{0,7}["']? [ \t]{0,4}
    [:=] (?P<after>\s{0,8}) (?P<open>(?P<quote>\\{0,7}["']))?
    """
)
"""A name and a value, each named: ``{name: X_API_KEY, value: …}``."""

WORDS = re.compile(r"[A-Za-z_][\w-]*")

QUERY = re.compile(r"[?&](?:amp;)?(?P<name>[\w.-]{1,127})=")
QUERY_NAMES = re.compile(
    r"(?i)(?:sig|signature|token|key|auth|pass|code_verifier|assertion|jwt|sas|se?cret"
    r"|x-(?:amz|goog|oss|cos|ms)-(?:signature|credential|security-token)|\w*[-_]?signature)"
)
"""Names of secrets in the query of an address: ``?token=``, ``&sig=``."""

HEADER = re.compile(r"(?i)(?:set-)?cookie2?")
"""Headers whose whole line is secret."""

SCHEMES = re.compile(
    r"""(?ix)
    (?<![\w-]) (?:bearer|basic|negotiate|apikey) [ \t]{1,4}
    (?=[\w.~+/=-]{0,256}(?-i:[\dA-Z+/=])) (?P<value>[\w.~+/=-]{8,})
    """
)
"""``Bearer …`` and its like, wherever they are."""

AFTER_SCHEME = re.compile(
    r"(?i)(?:bearer|basic|digest|negotiate|token|apikey|aws4-hmac-sha256)[ \t]{1,4}(?=\S)"
)

TOKENS = re.compile(
    r"""(?x)
    (?<![\w-]) (?:
      gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,} | glpat-[\w-]{20,} | hf_[A-Za-z0-9]{20,}
    | sk-[\w-]{20,} | sk_(?:live|test)_\w{16,} | xox[abeoprs]-[\w-]{10,} | npm_[A-Za-z0-9]{30,}
    | pypi-[\w-]{40,} | A(?:KIA|SIA)[0-9A-Z]{16} | AIza[\w-]{35} | ya29\.[\w-]{20,}
    | eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}
    )
    """
)
"""Tokens of well-known services, and JSON Web Tokens."""

PREFIXES = (
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "sk-", "sk_", "xox",
    "npm_", "pypi-", "AKIA", "ASIA", "AIza", "ya29.", "eyJ",
)  # fmt: skip
"""One of them begins each of these tokens."""

NETRC = re.compile(
    r"""(?imx)
    \b (?:login|user|machine) [ \t]+ \S{1,256} \s+ (?: account [ \t]+ \S{1,256} \s+ )?
    passw(?:or)?d [ \t]+ (?P<value>[^\s:=]\S*)
    | ^ [ \t]* passw(?:or)?d [ \t]+ (?P<line>[^\s:=]\S*) [ \t]* $
    """
)
"""A netrc file's ``machine … login … password …``, on one line or several."""

ELEMENT = re.compile(r"<(?P<name>[\w.:-]{1,127})(?:\s[^<>]{0,256})?>(?P<value>[^<>]+)(?=</|\Z)")
"""An element of XML: ``<password>…</password>``."""

BARE = re.compile(r"""[^\s"'<>&|`]+""")
IN_QUERY = re.compile(r"""[^\s"'<>&#;,)\]}\\]+""")
REST = re.compile(r"[^\r\n]+")
REST_OF_JSON = re.compile(r"""[^\r\n"']+""")
PUNCTUATION = ",;)]}.:\\"
NO_VALUES = frozenset({"null", "none", "true", "false", "nil", "undefined", "nan", "***", ""})
PROSE = re.compile(r"[A-Za-z]?[a-z]{0,14}[ \t]{1,2}[a-zA-Z]")
"""The first of several words."""
CODE = re.compile(r"(?:self|cls|os|sys|args|kwargs|config|settings|request|context)\.[A-Za-z_]")
CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")
"""Source code, as in a traceback."""
REFERENCE = re.compile(r"\$[{(]|\$[A-Z_]+$")
"""A variable in place of a value."""
TO_END_OF_LINE = re.compile(r"[ \t]*(?:\#[^\r\n]*)?(?=[\r\n]|\Z)")

BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
END = re.compile(r"-----END (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
LONGEST_KEY = 16_384
"""Maximum number of characters of a private key."""
KEY_LINES = re.compile(
    r"(?:(?:\\+[nrt]|[\s\"',|>])*(?:[\w+/=]{16,}|(?:Proc-Type|DEK-Info|Version|Comment):[^\r\n\\]*))*"
    r"(?:(?:\\+[nrt]|\s)*[\w+/]+=+)?"
)
"""The lines of a private key without an end."""


def shape_spans(text: str, is_secret: Callable[[str], bool]) -> Iterator[Span]:
    """Yield the places of secrets; they may overlap.

    :param is_secret: whether the value of a setting with this name is secret
    """
    if ADDRESS in text:
        yield from address_spans(text)
    if "-----BEGIN" in text:
        yield from key_spans(text)
    if any(prefix in text for prefix in PREFIXES):
        yield from (match.span() for match in TOKENS.finditer(text))
    if "?" in text or "&" in text:
        yield from _query_spans(text, is_secret)
    lower = text.lower()
    if any(scheme in lower for scheme in ("bearer", "basic", "negotiate", "apikey")):
        yield from (match.span("value") for match in SCHEMES.finditer(text))
    if "passw" in lower:
        yield from (match.span(match.lastgroup or 0) for match in NETRC.finditer(text))
    # Few texts have a secret name at all, and to look for its value takes longer.
    if any(_is_secret(word, is_secret) for word in set(WORDS.findall(text))):
        yield from _named_spans(text, is_secret)
        yield from _other_named_spans(text, is_secret)


def _query_spans(text: str, is_secret: Callable[[str], bool]) -> Iterator[Span]:
    for match in QUERY.finditer(text):
        if QUERY_NAMES.fullmatch(match["name"]) or _is_secret(match["name"], is_secret):
            yield from _matches(IN_QUERY, text, match.end())


def address_spans(text: str) -> Iterator[Span]:
    """Yield the places of the passwords in a text's addresses."""
    start = text.find(ADDRESS)
    while start >= 0:
        host = start + len(ADDRESS)
        if SCHEME.search(text, max(0, start - LONGEST_SCHEME), start):
            user = USER_INFO.match(text, host)
            name, colon, password = user[0].partition(":") if user else ("", "", "")
            # In http(s) addresses a bare name is a token.
            token = (
                not colon and len(name) >= SHORTEST and text.endswith(("http", "https"), 0, start)
            )
            if user and (password or token):
                end = user.end()
                yield (host if token else host + len(name) + 1), end
                host = end
        start = text.find(ADDRESS, host)


def key_spans(text: str) -> Iterator[Span]:
    """Yield the places of private keys, without the lines that begin and end them."""
    begins = [*BEGIN.finditer(text)]
    for begin, following in zip_longest(begins, begins[1:]):
        limit = min(begin.end() + LONGEST_KEY, following.start() if following else len(text))
        end = END.search(text, begin.end(), limit)
        lines = KEY_LINES.match(text, begin.end(), limit)
        stop = end.start() if end else lines.end() if lines else begin.end()
        if text[begin.end() : stop].strip():
            yield begin.end(), stop


def open_key(text: str) -> int:
    """Return where a private key begins that has no end yet; else the length of the text."""
    start = text.rfind("-----BEGIN", max(0, len(text) - LONGEST_KEY))
    if start < 0:
        return _begun_line(text)
    begin = BEGIN.match(text, start)
    if begin is None or END.search(text, begin.end()):
        return _begun_line(text)
    lines = KEY_LINES.match(text, begin.end())
    rest = text[lines.end() :] if lines else text
    # One short line may be the last line of the key, or the beginning of its end.
    return start if rest.strip().count("\n") == 0 and len(rest) < KEY_LINE else len(text)


KEY_LINE = 80
"""Maximum length of one line of a private key."""


def _begun_line(text: str) -> int:
    """Return where the first line of a key may begin that the end of the text cuts off."""
    start = text.rfind("-----", max(0, len(text) - KEY_LINE))
    cut_off = start >= 0 and "-----BEGIN ".startswith(text[start : start + 11])
    return start if cut_off and "\n" not in text[start:] else len(text)


def _named_spans(text: str, is_secret: Callable[[str], bool]) -> Iterator[Span]:
    """Yield the places of values under secret names."""
    end = 0  # what was found already is not searched again
    for match in NAMED.finditer(text):
        if match.start() < end or not _is_secret(match[1], is_secret):
            continue
        for span in _value_span(text, match):
            yield span
            end = span[1]


def _other_named_spans(text: str, is_secret: Callable[[str], bool]) -> Iterator[Span]:
    for match in ELEMENT.finditer(text):
        if _is_secret(match["name"], is_secret):
            yield match.span("value")
    for match in SWITCH.finditer(text):
        if _is_secret(match["name"], is_secret):
            quote = text[match.end()] if text[match.end()] in "\"'" else ""
            yield from _quoted_or_bare_span(text, match.end() + len(quote), quote)
    for match in PAIR.finditer(text):
        if _is_secret(match["name"], is_secret):
            yield from _quoted_or_bare_span(text, match.end(), match["quote"])


def _matches(pattern: re.Pattern[str], text: str, start: int) -> Iterator[Span]:
    value = pattern.match(text, start)
    if value is not None and value[0].lower() not in NO_VALUES:
        yield value.span()


@lru_cache(maxsize=1 << 16)
def _is_secret(name: str, is_secret: Callable[[str], bool]) -> bool:
    last = name.rstrip(".").rpartition(".")[2].lstrip("-")
    return is_secret(last) or HEADER.fullmatch(last) is not None


def _value_span(text: str, match: re.Match[str]) -> Iterator[Span]:
    start, separator = match.end(), match["separator"]
    close, spaces = match["close"], match["before"] + match["after"]
    if text.startswith("=", start) and separator == "=":
        return  # a comparison
    if match["quote"]:
        yield from _quoted_span(text, start, match["quote"])
    elif text[match.start() - 1 : match.start()] in ("?", "&"):
        yield from _matches(IN_QUERY, text, start)
    elif scheme := AFTER_SCHEME.match(text, start):
        yield from _bare_span(text, scheme.end())
    elif text.startswith(("{", "["), start):
        yield from _nested_span(text, start)
    elif HEADER.fullmatch(match["name"]) and separator == ":":
        yield from _matches(REST_OF_JSON if close else REST, text, start)
    elif not _is_code(text, start, spaces):
        is_clear = bool(close) or (separator == "=" and not spaces)
        if is_clear or separator != ":" or match["after"] or match["name"].isupper():
            yield from _bare_span(text, start, may_be_prose=not (is_clear or _is_line(text, match)))


def _is_code(text: str, start: int, spaces: str) -> bool:
    """Return whether source code follows a name, as in a traceback."""
    return bool(CODE.match(text, start) or (spaces and CALL.match(text, start)))


def _is_line(text: str, match: re.Match[str]) -> bool:
    """Return whether a name and one word are a whole line, as in YAML."""
    line = text.rfind("\n", max(0, match.start() - 256), match.start()) + 1
    before = text[line : match.start()]
    value = BARE.match(text, match.end())
    return (
        len(before) < 256  # noqa: PLR2004 (as above)
        and before.strip(" \t-?{>$") in ("", "export", "set", "env")
        and value is not None
        and TO_END_OF_LINE.match(text, value.end()) is not None
    )


def _bare_span(text: str, start: int, *, may_be_prose: bool = False) -> Iterator[Span]:
    value = BARE.match(text, start)
    if value is None:
        return
    word = value[0].rstrip(PUNCTUATION)
    if word.lower() in NO_VALUES or REFERENCE.match(word):
        return
    if not (may_be_prose and PROSE.match(text, start)):
        yield start, start + len(word)


def _quoted_or_bare_span(text: str, start: int, quote: str | None) -> Iterator[Span]:
    yield from _quoted_span(text, start, quote) if quote else _bare_span(text, start)


def _quoted_span(text: str, start: int, quote: str) -> Iterator[Span]:
    """Yield the place of a value up to its closing quote, or else to the end of the line."""
    end, line = _closing(text, start, quote), text.find("\n", start)
    if end < 0 or (0 <= line < end and end - start > LONGEST_KEY):
        end = len(text) if line < 0 else line
    scheme = AFTER_SCHEME.match(text, start, end)
    start = scheme.end() if scheme else start
    value = text[start:end]
    if value.lower() not in NO_VALUES and not REFERENCE.match(value):
        yield start, end


def _closing(text: str, start: int, quote: str) -> int:
    """Return where a quoted text ends, or -1.

    :param quote: its quotation mark after as many backslashes as that has inside another text
    """
    level, at = len(quote) - 1, text.find(quote[-1], start)
    while at >= 0:
        first = at
        while first > start and text[first - 1] == "\\":
            first -= 1
        extra = at - first - level
        if extra >= 0 and extra // (level + 1) % 2 == 0:
            return at - level
        at = text.find(quote[-1], at + 1)
    return -1


def _nested_span(text: str, start: int) -> Iterator[Span]:
    """Yield the place of a mapping or a list: all of it, or else to the end of the line."""
    depth = 0
    for bracket in BRACKETS.finditer(text, start, start + LONGEST_KEY):
        depth += 1 if bracket[0] in "{[" else -1
        if depth == 0:
            if text[start : bracket.end()].strip("{[ ]}"):
                yield start, bracket.end()
            return
    rest = REST.match(text, start)
    yield from [rest.span()] if rest else []


BRACKETS = re.compile(r"[][{}]")


def merged(spans: Iterator[Span]) -> list[Span]:
    """Sort places, and merge those that overlap."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if result and start < result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        elif start < end:
            result.append((start, end))
    return result


def rendered(
    text: str, spans: list[Span], mask: str, start: int = 0, end: int | None = None
) -> str:
    """Return a part of the text with a mask in each place."""
    end = len(text) if end is None else end
    edges = chain.from_iterable(
        (max(start, a), min(end, b)) for a, b in spans if a < end and b > start
    )
    bounds = [start, *edges, end]
    return mask.join(text[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True))
