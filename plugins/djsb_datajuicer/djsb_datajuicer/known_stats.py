"""Statistics of texts that an earlier pass of this process computed.

Probing, processing and probing again compute the same statistics of the same texts three times:
moving a filter's bound changes what it keeps, but not what it measures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TEXT_ALONE = {
    "alphanumeric_filter",
    "average_line_length_filter",
    "character_repetition_filter",
    "maximum_line_length_filter",
    "special_characters_filter",
    "text_length_filter",
    "word_repetition_filter",
    "words_num_filter",
}
"""Filters whose statistics depend on the text and the filter's arguments, and on no file."""
BOUNDS = {"min_len", "max_len", "min_num", "max_num", "min_ratio", "max_ratio"}
"""Their arguments that decide what is kept, but not what is measured."""
KEYWORD = Parameter.POSITIONAL_OR_KEYWORD
WITH_MODEL = "tokenization"
"""Their argument that makes them use a model."""
LIMIT = 300_000
"""Number of statistics that are remembered, of all filters together: some 70 MB."""

Entry = tuple[bytes, tuple[tuple[str, Any], ...]]
"""The digest of a filter and a text, and the names and values of its statistics."""


@dataclass
class KnownStats:
    """Statistics by filter and text. The oldest are forgotten first."""

    limit: int = LIMIT
    _values: dict[bytes, tuple[tuple[str, Any], ...]] = field(default_factory=dict)

    def add(self, entries: Iterable[Entry]) -> None:
        """Remember statistics."""
        self._values.update(entries)
        excess = len(self._values) - self.limit
        if excess > 0:
            for key in [key for key, _ in zip(self._values, range(excess), strict=False)]:
                del self._values[key]

    def fill_in(self, keys: Sequence[bytes | None], stats: Sequence[dict[str, Any]]) -> None:
        """Add what is known to the statistics of rows; a filter skips what a row has already."""
        for key, row in zip(keys, stats, strict=True):
            for name, value in self._values.get(key, ()) if key is not None else ():
                row.setdefault(name, value)

    def new(
        self,
        keys: Sequence[bytes | None],
        before: Sequence[set[str]],
        stats: Sequence[dict[str, Any]],
    ) -> list[Entry]:
        """Return the statistics that a filter has added to rows.

        :param before: the names that each row had
        """
        entries = []
        for key, names, row in zip(keys, before, stats, strict=True):
            if key is not None and key not in self._values:
                added = tuple((name, value) for name, value in row.items() if name not in names)
                if added:  # else the dataset brought them
                    entries.append((key, added))
        return entries


def keys_of(operator: Any, texts: Sequence[Any]) -> list[bytes | None]:  # noqa: ANN401 (untyped)
    """Return the key of each text for a filter; ``None`` where its statistics are not known."""
    arguments = operator._op_cfg.get(operator._name) or {}  # noqa: SLF001
    if operator._name not in TEXT_ALONE or arguments.get(WITH_MODEL):  # noqa: SLF001
        return [None] * len(texts)
    own = {name: arguments.get(name) for name in _parameters(operator.__class__)}
    settings = json.dumps([operator._name, own], default=str)  # noqa: SLF001
    start = blake2b(settings.encode(), digest_size=16)
    keys: list[bytes | None] = []
    for text in texts:
        if isinstance(text, str):
            digest = start.copy()
            digest.update(text.encode("utf-8", "surrogatepass"))
            keys.append(digest.digest())
        else:
            keys.append(None)
    return keys


@lru_cache(maxsize=64)
def _parameters(operator: Any) -> tuple[str, ...]:  # noqa: ANN401 (a class, untyped)
    """List a filter's own parameters, without those of all operators and without its bounds."""
    parameters = signature(operator.__init__).parameters.values()
    names = [parameter.name for parameter in parameters if parameter.kind is KEYWORD]
    return tuple(name for name in names if name not in {"self", *BOUNDS})


KNOWN = KnownStats()
"""Those of this process."""
