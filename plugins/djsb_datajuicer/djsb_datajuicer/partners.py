"""Finds out which row a deduplicator keeps instead of one that it removes."""

from __future__ import annotations

from collections.abc import MutableMapping
from itertools import islice
from typing import Any

from djsb_datajuicer.rider import RIDER, rider_of

EXACT = {
    "document_deduplicator": "hash",
    "image_deduplicator": "imagehash",
    "video_deduplicator": "videohash",
}
"""Deduplicators that remove rows with equal digests, and where they keep these."""


class PartnerFinder:
    """A deduplicator's ``process``, which also finds out which rows are alike."""

    def __init__(self, operator: Any, partners: dict[int, int]) -> None:  # noqa: ANN401 (untyped)
        """Wrap the method.

        :param partners: receives for each row a row that it equals or resembles
        """
        self._process = operator.process
        self._partners = partners
        self._digest = EXACT.get(operator._name)  # noqa: SLF001
        self._with_text = bool(getattr(operator, "consider_text", False))

    def __call__(self, dataset: Any, show_num: int = 0) -> Any:  # noqa: ANN401 (untyped)
        """Remove duplicates; return the rest, and as many pairs as Data-Juicer's tracer wants."""
        rows, digests = list(rider_of(dataset)), self._digests(dataset)
        # Data-Juicer returns the pairs that it is asked to show: all, unless the digests tell.
        wanted = show_num if digests is not None else max(show_num, len(dataset))
        result, pairs = self._process(dataset, wanted)
        first: dict[Any, int] = {}
        for row, digest in zip(rows, digests or (), strict=digests is not None):
            self._partners[row] = first.setdefault(digest, row)
        for pair in pairs.values():
            alike = [sample.pop(RIDER, -1) for sample in pair if isinstance(sample, MutableMapping)]
            if digests is None:
                self._partners.update(dict.fromkeys(alike[1:], *alike[:1]))
        return result, dict(islice(pairs.items(), show_num))

    def _digests(self, dataset: Any) -> list[tuple[Any, ...]] | None:  # noqa: ANN401 (untyped)
        """Return what is equal for two rows if and only if they are duplicates."""
        from data_juicer.utils.constant import HashKeys

        if self._digest is None or len(dataset) == 0:
            return None
        names = [getattr(HashKeys, self._digest), *([HashKeys.hash] if self._with_text else [])]
        return list(zip(*(dataset.data.column(name).to_pylist() for name in names), strict=True))
