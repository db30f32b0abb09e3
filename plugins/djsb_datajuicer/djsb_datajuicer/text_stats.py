"""Scores a text dataset by counting: the ``text_stats`` data evaluator."""

from __future__ import annotations

import re
import zlib
from array import array
from dataclasses import dataclass, field
from hashlib import blake2b
from math import fsum, sqrt
from statistics import median
from typing import TYPE_CHECKING, Any

from pydantic import Field

from djsb_core.api import (
    ComponentConfig,
    ComponentError,
    DataEvaluator,
    InputPath,
    Metric,
    MetricKind,
    SampleLayout,
    Scores,
    locate_samples,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORD = re.compile(r"\w+")
COMPRESSION_LEVEL = 6


class TextStatsConfig(ComponentConfig):
    """Settings of the ``text_stats`` evaluator."""

    dataset_path: InputPath = Field(
        description="JSON Lines (also .gz, .zst), CSV, JSON array or Parquet file."
    )
    text_key: str = Field("text", description="Field with the text of a sample.")


class TextStatsEvaluator(DataEvaluator[TextStatsConfig]):
    """A summary of a text dataset, read line by line; downloads nothing.

    ``documents``, ``characters``, ``bytes`` (UTF-8), ``words`` (runs of letters, digits and
    underscores), ``characters_mean`` / ``_median`` / ``_std`` (of the population) per document,
    ``words_mean`` per document, ``empty_share``, ``duplicate_share`` (documents whose text
    occurred earlier, byte for byte), ``alphanumeric_ratio`` and ``whitespace_ratio`` of all
    characters, ``distinct_word_ratio`` (distinct words, lower case, to words), and
    ``compression_ratio`` (bytes to bytes after zlib, all texts as one stream: a higher ratio
    means more repetition).
    """

    config_type = TextStatsConfig
    metrics = (
        Metric("duplicate_share", higher_is_better=False, primary=True),
        Metric("empty_share", higher_is_better=False),
        Metric("distinct_word_ratio", higher_is_better=True),
        *(
            Metric(name, name, kind=MetricKind.COUNT)
            for name in ("documents", "characters", "bytes", "words")
        ),
        *(Metric(f"characters_{part}", "characters") for part in ("mean", "median", "std")),
        Metric("words_mean", "words"),
        *(Metric(f"{part}_ratio") for part in ("alphanumeric", "whitespace", "compression")),
    )
    samples = SampleLayout(dataset="dataset_path", text="text")

    def evaluate(self) -> Scores:
        """Read the dataset once.

        :raises ComponentError: if a line is not a JSON object with a text, or there is no line
        """
        counts = _Counts()
        for text in _texts(self.config.dataset_path, self.config.text_key):
            counts.add(text)
        return counts.scores()


@dataclass
class _Counts:
    """The counts so far; uses about 30 bytes per document, and memory for each distinct word."""

    lengths: array[int] = field(default_factory=lambda: array("q"))
    size: int = 0
    words: int = 0
    alphanumeric: int = 0
    whitespace: int = 0
    duplicates: int = 0
    compressed: int = 0
    seen: set[bytes] = field(default_factory=set)
    vocabulary: set[str] = field(default_factory=set)
    stream: Any = field(default_factory=lambda: zlib.compressobj(COMPRESSION_LEVEL))

    def add(self, text: str) -> None:
        encoded = text.encode("utf-8", errors="surrogatepass")
        mark = blake2b(encoded, digest_size=16).digest()
        self.duplicates += mark in self.seen
        self.seen.add(mark)
        self.lengths.append(len(text))
        self.size += len(encoded)
        words = WORD.findall(text.lower())
        self.words += len(words)
        self.vocabulary.update(words)
        self.alphanumeric += sum(map(str.isalnum, text))
        self.whitespace += sum(map(str.isspace, text))
        self.compressed += len(self.stream.compress(encoded + b"\n"))

    def scores(self) -> dict[str, float]:
        documents, characters = len(self.lengths), sum(self.lengths)
        mean = characters / documents
        spread = fsum((length - mean) ** 2 for length in self.lengths) / documents
        compressed = self.compressed + len(self.stream.flush())
        return {
            "documents": float(documents),
            "characters": float(characters),
            "bytes": float(self.size),
            "words": float(self.words),
            "characters_mean": mean,
            "characters_median": float(median(self.lengths)),
            "characters_std": sqrt(spread),
            "words_mean": self.words / documents,
            "empty_share": self.lengths.count(0) / documents,
            "duplicate_share": self.duplicates / documents,
            "alphanumeric_ratio": self.alphanumeric / characters if characters else 0.0,
            "whitespace_ratio": self.whitespace / characters if characters else 0.0,
            "distinct_word_ratio": len(self.vocabulary) / self.words if self.words else 0.0,
            "compression_ratio": (self.size + documents) / compressed,
        }


def _texts(path: Path, key: str) -> Iterator[str]:
    for place, row in locate_samples(path):
        if key not in row:
            known = ", ".join(sorted(row)) or "none"
            raise ComponentError(f"{place}: no field '{key}' that text_key names; fields: {known}")
        text = row[key]
        if not isinstance(text, str):
            kind = type(text).__name__
            raise ComponentError(f"{place}: the field '{key}' must be a string, not {kind}")
        yield text
