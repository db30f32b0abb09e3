"""Read pages and files the way the quickstart's dataset wants them: see make_data.py."""

from __future__ import annotations

import bz2
import gzip
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Prose documents are cut at a paragraph end once they reach PROSE_TARGET.
PROSE_TARGET = 500
CHUNK_LINES, CHUNK_MAX = 30, 4000  # a piece of a file that has no paragraphs

BLOCKS = frozenset(
    [
        *["p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "td", "th", "tr", "div"],
        *["section", "table", "ul", "ol", "dl", "nav", "pre", "blockquote", "header", "footer"],
        *["details", "summary", "main", "article", "body"],
    ]
)
HEADINGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
DROPPED = frozenset(["pre", "table", "script", "style", "nav", "svg", "math"])
VOID = frozenset(
    ["br", "hr", "img", "input", "link", "meta", "wbr", "col", "area", "base", "source"]
)
NAVIGATION = re.compile(r"related|sphinxsidebar|footer|navheader|navfooter|sidebar|menu|toc")


class Sections(HTMLParser):
    """Splits a page at its headings; keeps the text of its paragraphs.

    ``sections`` is a list of (heading, [paragraph, ...]).  Text outside of
    ``<p>`` (lists of links, tables, code, navigation) is left out.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sections: list[tuple[str, list[str]]] = [("", [])]
        self.stack: list[tuple[str, bool]] = []
        self.buffer: list[str] | None = None
        self.heading = False

    def dropping(self) -> bool:
        """Tell whether the parser is inside an element whose text is left out."""
        return any(drop for _, drop in self.stack)

    def flush(self) -> None:
        """End the paragraph or heading at hand."""
        text = squeeze("".join(self.buffer or []))
        self.buffer = None
        if self.heading:
            self.sections.append((text, []))
        elif text:
            self.sections[-1][1].append(text)
        self.heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element; a block element ends the paragraph before it."""
        if tag in BLOCKS and self.buffer is not None:
            self.flush()
        if tag in VOID:
            if self.buffer is not None:
                self.buffer.append(" ")
            return
        if tag != "p":
            marks = " ".join(v or "" for k, v in attrs if k in ("class", "id"))
            drop = tag in DROPPED or (tag == "div" and bool(NAVIGATION.search(marks)))
            self.stack.append((tag, drop))
        if not self.dropping() and (tag == "p" or tag in HEADINGS):
            self.buffer, self.heading = [], tag in HEADINGS

    def handle_endtag(self, tag: str) -> None:
        """Close an element, and those left open inside it."""
        if tag in BLOCKS and self.buffer is not None:
            self.flush()
        if any(open_tag == tag for open_tag, _ in self.stack):
            while self.stack.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Collect the text of a paragraph or a heading."""
        if self.buffer is not None and not self.dropping():
            self.buffer.append(data)


class Visible(HTMLParser):
    """All text a page shows, one line per block element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Open an element."""
        self.hidden += tag in ("script", "style")
        if tag in BLOCKS or tag == "br":
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Close an element."""
        self.hidden -= tag in ("script", "style")
        if tag in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Collect text that is shown."""
        if self.hidden <= 0:
            self.parts.append(re.sub(r"\s+", " ", data))


def squeeze(text: str) -> str:
    """One line: pilcrow anchors dropped, white space collapsed."""
    return re.sub(r"\s+", " ", text.replace("¶", " ").replace("§", " ")).strip()


def sections(html: str) -> list[tuple[str, list[str]]]:
    """Return the headings and paragraphs of a page."""
    parser = Sections()
    parser.feed(html)
    parser.close()
    return parser.sections


def visible(html: str) -> str:
    """Return the text a page shows."""
    parser = Visible()
    parser.feed(html)
    parser.close()
    lines = (line.strip() for line in "".join(parser.parts).splitlines())
    return "\n".join(line for line in lines if line)


def passages(paragraphs: list[str]) -> Iterator[str]:
    """Cut a section into runs of whole paragraphs, PROSE_TARGET or a bit more."""
    run: list[str] = []
    for paragraph in paragraphs:
        run.append(paragraph)
        if sum(map(len, run)) >= PROSE_TARGET:
            yield "\n".join(run)
            run = []
    if run:
        yield "\n".join(run)


def chunks(text: str) -> Iterator[str]:
    """Cut a file every CHUNK_LINES lines, or sooner at CHUNK_MAX characters."""
    run: list[str] = []
    length = 0
    for line in text.split("\n"):
        for piece in [line[i : i + CHUNK_MAX] for i in range(0, len(line), CHUNK_MAX)] or [""]:
            if run and (len(run) == CHUNK_LINES or length + len(piece) > CHUNK_MAX):
                yield "\n".join(run)
                run, length = [], 0
            run.append(piece)
            length += len(piece) + 1
    yield "\n".join(run)


def read_text(path: Path) -> str:
    """Read a text file, unpacked when it is compressed."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    elif path.suffix == ".bz2":
        data = bz2.decompress(data)
    return data.decode("utf-8", "replace")


def read_binary(path: Path) -> str:
    """Read a binary file as if it were Latin-1 text; drop control characters."""
    text = path.read_bytes().decode("latin-1")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)


def read_strings(path: Path) -> str:
    """Read a binary as the ``strings`` tool does: printable runs of 4 or more."""
    runs = re.findall(rb"[\t\x20-\x7e]{4,}", path.read_bytes())
    return "\n".join(run.decode("ascii") for run in runs)
