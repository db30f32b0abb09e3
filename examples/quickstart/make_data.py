"""Rebuild the quickstart dataset from Debian packages.

The script fetches a fixed list of Debian 12 packages with ``apt-get download``,
unpacks them with ``dpkg-deb -x`` (nothing is installed) and cuts their files
into documents.  No text is made up, edited or damaged: a document is a piece of
a packaged file, read the way a careless crawl of a package mirror would read
it.  What kind a document is follows from where it comes from and how it was
read; the rules are the functions below and are told again in data/README.md.

Everything is chosen by hashes of file names and texts, never by a random
generator, so the same package versions give the same bytes.

    python3 make_data.py --work FOLDER

Needs only the standard library (Python 3.11), apt-get and dpkg-deb.
"""

# ruff: noqa: S603, S607, T201  (a script; it runs two fixed programs and prints)
from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from make_data_plan import PACKAGES, QUOTA
from make_data_text import chunks, passages, read_binary, read_strings, read_text, sections, visible

PROSE_MIN, PROSE_MAX = 300, 2000
NEAR_EMPTY_MAX = 60
HELDOUT_DOCS = 500
HELDOUT_PERCENT, MARKUP_BELOW = 8, 20  # of 100 pages: 8 held out, 12 kept as raw markup
NGRAM = 13  # words; no such sequence of a held-out document occurs in train


@dataclass(frozen=True)
class Doc:
    """One document and where it comes from."""

    text: str
    source: str
    kind: str
    path: str

    def line(self) -> str:
        """Write the document as one line of JSON Lines (ASCII only)."""
        meta = {"source": self.source, "kind": self.kind, "path": self.path}
        return json.dumps({"text": self.text, "meta": meta}) + "\n"

    def rank(self) -> str:
        """Return the hash by which documents are chosen and ordered."""
        return digest(f"{self.kind}\0{self.path}\0{self.text}")


def digest(text: str) -> str:
    """SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# ---------------------------------------------------------------- packages


def fetch(work: Path) -> None:
    """Download and unpack every package that is not in ``work`` yet."""
    debs = work / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    for name, version in PACKAGES.items():
        if not list(debs.glob(f"{name}_*.deb")):
            cmd = ["apt-get", "download", f"{name}={version}"]
            subprocess.run(cmd, cwd=debs, check=True)
        target = work / "x" / name
        if not target.is_dir():
            (deb,) = debs.glob(f"{name}_*.deb")
            target.mkdir(parents=True)
            subprocess.run(["dpkg-deb", "-x", str(deb), str(target)], check=True)


# ---------------------------------------------------------------- sources

DOC = "usr/share/doc"
GO = "usr/share/go-1.19"
GOCODE = "usr/share/gocode/src/github.com"
RUST = f"{DOC}/rust-doc/html"

# Pages whose paragraphs are prose, and what is left out of them.
PROSE_PAGES = {
    "postgresql-doc-15": [f"{DOC}/postgresql-doc-15/html/*.html"],
    "python3.11-doc": [f"{DOC}/python3.11/html/**/*.html"],
    "rust-doc": [
        f"{RUST}/{book}/**/*.html"
        for book in (
            "book",
            "reference",
            "nomicon",
            "rustc",
            "rustdoc",
            "edition-guide",
            "embedded-book",
            "rust-by-example",
        )
    ],
    "sqlite3-doc": [f"{DOC}/sqlite3/**/*.html"],
}
NOT_PROSE = re.compile(
    r"genindex|bookindex|modindex|contents\.html|search\.html|print\.html|release-|/releaselog/"
    r"|whatsnew/changelog|/license\.html|keyword_index|changes\.html|news\.html|first-edition"
    r"|second-edition|2018-edition|/matrix/|acknowledg|biblio|copyright"
)


class Source:
    """The unpacked files of one package."""

    def __init__(self, work: Path, name: str) -> None:
        self.name = name
        self.root = work / "x" / name

    def files(self, *patterns: str) -> list[Path]:
        """Regular files that match a pattern, in name order."""
        found = {
            p
            for pattern in patterns
            for p in self.root.glob(pattern)
            if p.is_file() and not p.is_symlink()
        }
        return sorted(found, key=lambda p: p.as_posix())

    def rel(self, path: Path) -> str:
        """Return the path inside the package."""
        return path.relative_to(self.root).as_posix()

    def doc(self, kind: str, path: Path, text: str) -> Doc:
        """Make a document of this package."""
        return Doc(text.strip("\n"), self.name, kind, self.rel(path))


def role(source: Source, path: Path) -> str:
    """Give a page its one use: held out, kept as raw markup, or read."""
    bucket = int(digest(f"{source.name}/{source.rel(path)}")[:8], 16) % 100
    return "heldout" if bucket < HELDOUT_PERCENT else "markup" if bucket < MARKUP_BELOW else "prose"


def prose_pages(source: Source) -> list[Path]:
    """List the pages of a package whose paragraphs are prose."""
    patterns = PROSE_PAGES[source.name]
    return [p for p in source.files(*patterns) if not NOT_PROSE.search(source.rel(p))]


def read_pages(source: Source) -> Iterator[Doc]:
    """Prose, near-empty and raw documents of a package's pages."""
    for path in prose_pages(source):
        html = read_text(path)
        use = role(source, path)
        if use == "markup":
            for piece in chunks(html):
                yield source.doc("markup", path, piece)
            continue
        for heading, paragraphs in sections(html):
            yield from section_docs(source, path, use, heading, paragraphs)


def section_docs(
    source: Source, path: Path, use: str, heading: str, paragraphs: list[str]
) -> Iterator[Doc]:
    """Cut one section into passages, or a near-empty rest."""
    whole = "\n".join(filter(None, [heading, *paragraphs]))
    if 0 < len(whole) <= NEAR_EMPTY_MAX and use == "prose":
        yield source.doc("near_empty", path, whole)
    for passage in passages(paragraphs):
        if PROSE_MIN <= len(passage) <= PROSE_MAX:
            yield source.doc(use, path, passage)


def whole_files(
    kind: str, reader: Callable[[Path], str], *patterns: str
) -> Callable[[Source], Iterator[Doc]]:
    """Make a rule: every piece of these files is of this kind."""

    def rule(source: Source) -> Iterator[Doc]:
        for path in source.files(*patterns):
            for piece in chunks(reader(path)):
                yield source.doc(kind, path, piece)

    return rule


def cut_out(kind: str, pattern: str, *globs: str) -> Callable[[Source], Iterator[Doc]]:
    """Make a rule: the visible text of the part of a page that ``pattern`` finds."""
    part = re.compile(pattern, re.DOTALL)

    def rule(source: Source) -> Iterator[Doc]:
        for path in source.files(*globs):
            if role(source, path) == "heldout":
                continue
            for match in part.finditer(read_text(path)):
                for piece in chunks(visible(match.group(0))):
                    yield source.doc(kind, path, piece)

    return rule


Rule = Callable[[Source], Iterator[Doc]]
RULES: dict[str, list[Rule]] = {
    "golang-1.19-src": [
        whole_files(
            "log",
            read_text,
            f"{GO}/src/crypto/tls/testdata/*TLSv1*",
            f"{GO}/src/cmd/internal/test2json/testdata/*",
        ),
        whole_files("repetitive", read_text, f"{GO}/api/*.txt"),
        whole_files("garbled", read_binary, f"{GO}/src/internal/trace/testdata/*"),
        whole_files(
            "garbled",
            read_strings,
            f"{GO}/src/debug/elf/testdata/*",
            f"{GO}/src/debug/dwarf/testdata/*",
        ),
    ],
    "golang-github-google-pprof-dev": [
        whole_files("log", read_text, f"{GOCODE}/google/pprof/profile/testdata/*.string"),
        whole_files("log", read_text, f"{GOCODE}/google/pprof/profile/testdata/*.heap"),
        whole_files("log", read_text, f"{GOCODE}/google/pprof/profile/testdata/*.growth"),
        whole_files("garbled", read_binary, f"{GOCODE}/google/pprof/profile/testdata/*.cpu"),
    ],
    "golang-github-prometheus-procfs-dev": [
        whole_files("log", read_text, f"{GOCODE}/prometheus/procfs/testdata/fixtures.ttar"),
    ],
    "libsqlite3-0": [whole_files("garbled", read_strings, "usr/lib/*/libsqlite3.so.*")],
    "nodejs-doc": [
        whole_files("markup", read_text, f"{DOC}/nodejs/api/*.html"),
        whole_files("log", read_text, f"{DOC}/nodejs-doc/changelog.gz"),
    ],
    "postgresql-doc-15": [
        read_pages,
        cut_out(
            "boilerplate", r'<div class="navfooter">.*', f"{DOC}/postgresql-doc-15/html/*.html"
        ),
    ],
    "python3.11-doc": [
        read_pages,
        whole_files("garbled", read_binary, f"{DOC}/python3.11/html/objects.inv"),
        cut_out("boilerplate", r'<div class="sphinxsidebar".*', f"{DOC}/python3.11/html/**/*.html"),
    ],
    "rust-doc": [
        read_pages,
        whole_files("markup", read_text, f"{RUST}/alloc/**/struct.*.html"),
        cut_out("boilerplate", r'<h2 id="synthetic-implementations".*', f"{RUST}/std/**/*.html"),
        whole_files("repetitive", read_text, f"{RUST}/implementors/core/**/*.js"),
        cut_out("near_empty", r"<body>\s*<p>Redirecting to.*", f"{RUST}/std/**/*.html"),
    ],
    "sqlite3-doc": [
        read_pages,
    ],
    "tcl8.6-doc": [whole_files("markup", read_text, "usr/share/man/man*/*.gz")],
    "tzdata": [
        whole_files(
            "repetitive",
            read_text,
            "usr/share/zoneinfo/*.tab",
            "usr/share/zoneinfo/leap*",
            "usr/share/zoneinfo/tzdata.zi",
        )
    ],
    "unicode-data": [
        whole_files("repetitive", read_text, "usr/share/unicode/*.txt", "usr/share/unicode/*/*.txt")
    ],
}


# ---------------------------------------------------------------- choosing


def collect(work: Path) -> list[Doc]:
    """Every document of every package; a text that occurs twice counts once."""
    seen: set[str] = set()
    docs: list[Doc] = []
    for name in sorted(PACKAGES):
        source = Source(work, name)
        for rule in RULES[name]:
            for doc in rule(source):
                if doc.text.strip() and doc.text not in seen:
                    seen.add(doc.text)
                    docs.append(doc)
    return docs


def choose_train(docs: list[Doc]) -> list[Doc]:
    """Up to QUOTA documents of every kind and package, mixed."""
    chosen: list[Doc] = []
    for kind, quotas in QUOTA.items():
        for source, quota in quotas.items():
            pool = [d for d in docs if d.kind == kind and d.source == source]
            chosen += sorted(pool, key=Doc.rank)[:quota]
    return sorted(chosen, key=Doc.rank)


def ngrams(text: str) -> set[str]:
    """Return the word sequences by which near-duplicates are found."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)}


def choose_heldout(docs: list[Doc], train: list[Doc]) -> tuple[list[Doc], int]:
    """Prose of held-out pages, in the mixture of train; and how many overlap."""
    known: set[str] = set()
    for doc in train:
        known |= ngrams(visible(doc.text) if doc.kind == "markup" else doc.text)
    chosen: list[Doc] = []
    overlapping = 0
    total = sum(QUOTA["prose"].values())
    for source, quota in QUOTA["prose"].items():
        pool = sorted((d for d in docs if d.kind == "heldout" and d.source == source), key=Doc.rank)
        clean = [d for d in pool if not ngrams(d.text) & known]
        overlapping += len(pool) - len(clean)
        chosen += clean[: HELDOUT_DOCS * quota // total]
    chosen = [Doc(d.text, d.source, "prose", d.path) for d in chosen]
    return sorted(chosen, key=Doc.rank), overlapping


# ---------------------------------------------------------------- writing


def write(path: Path, docs: Iterable[Doc]) -> None:
    """Write a gzip file without a time stamp or a name in its header."""
    data = "".join(d.line() for d in docs).encode("ascii")
    path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0))
    packed = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{path.name}: {path.stat().st_size} bytes, sha256 {packed}")
    print(f"  unpacked: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


def copy_notices(work: Path, out: Path) -> None:
    """Copy the copyright and NOTICE files of the packages, word for word."""
    out.mkdir(parents=True, exist_ok=True)
    for name in sorted(PACKAGES):
        folder = work / "x" / name / DOC / name
        (out / f"{name}.txt").write_bytes((folder / "copyright").read_bytes())
        if (folder / "NOTICE").is_file():
            (out / f"{name}.NOTICE.txt").write_bytes((folder / "NOTICE").read_bytes())


def table(docs: list[Doc]) -> str:
    """Documents and bytes of text per kind, as a Markdown table."""
    total_bytes = sum(len(d.text.encode()) for d in docs)
    rows = ["| kind | documents | share | bytes | share |", "| --- | ---: | ---: | ---: | ---: |"]
    for kind in [*QUOTA, "all"]:
        part = [d for d in docs if kind in (d.kind, "all")]
        size = sum(len(d.text.encode()) for d in part)
        counts = f"{len(part)} | {len(part) / len(docs):.1%}"
        rows.append(f"| {kind} | {counts} | {size} | {size / total_bytes:.1%} |")
    return "\n".join(rows)


def main() -> None:
    """Fetch, cut, choose, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the packages (about 1 GB)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "data", help="folder for the dataset"
    )
    args = parser.parse_args()
    fetch(args.work)
    docs = collect(args.work)
    train = choose_train(docs)
    heldout, overlapping = choose_heldout(docs, train)
    args.out.mkdir(parents=True, exist_ok=True)
    write(args.out / "train.jsonl.gz", train)
    write(args.out / "heldout.jsonl.gz", heldout)
    copy_notices(args.work, args.out / "LICENSES")
    print(table(train))
    print(f"held out: {len(heldout)} documents")
    print(f"left out: {overlapping} candidates that share {NGRAM} words in a row with train")


if __name__ == "__main__":
    main()
