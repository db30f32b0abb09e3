"""Texts as token ids: tokenized once, stored in one array, optionally packed into blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from djsb_core.api import ComponentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CHUNK = 1000
#: Label that torch and transformers ignore.
IGNORED = -100


@dataclass(frozen=True)
class TokenRows:
    """Rows of token ids; row ``i`` is ``ids[bounds[i]:bounds[i + 1]]``."""

    ids: NDArray[np.int32]
    bounds: NDArray[np.int64]
    documents: int
    """Number of texts; equals the number of rows unless these are packed."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.bounds) - 1

    def __getitem__(self, index: int) -> NDArray[np.int64]:
        """Return one row, shape ``(length,)``."""
        return self.ids[self.bounds[index] : self.bounds[index + 1]].astype(np.int64)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of tokens of each row."""
        return np.diff(self.bounds)


def encode(texts: Sequence[str], tokenizer: Any, max_length: int | None) -> TokenRows:  # noqa: ANN401
    """Tokenize texts and end each with the tokenizer's end token, if it has one.

    Texts of fewer than two tokens have nothing to predict and are left out.

    :param tokenizer: a tokenizer of transformers
    :param max_length: maximum tokens per row; longer texts are truncated
    :raises ComponentError: if no text remains
    """
    end = tokenizer.eos_token_id
    rows: list[list[int]] = []
    for start in range(0, len(texts), CHUNK):
        chunk = list(texts[start : start + CHUNK])
        encoded = tokenizer(chunk, return_attention_mask=False, verbose=False)["input_ids"]
        for row in encoded:
            if end is not None and (not row or row[-1] != end):
                row.append(end)
            rows.append(row[:max_length])
    rows = [row for row in rows if len(row) > 1]
    if not rows:
        raise ComponentError("no text to train on: every text is empty or a single token")
    bounds = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return TokenRows(np.concatenate([np.asarray(row, np.int32) for row in rows]), bounds, len(rows))


def pack(rows: TokenRows, length: int) -> TokenRows:
    """Join all rows and split them into blocks of exactly ``length`` tokens.

    The last block is filled up from the beginning, so no token is lost and none is padding.
    """
    blocks = max(1, -(-len(rows.ids) // length))
    ids = np.resize(rows.ids, blocks * length)
    return TokenRows(ids, np.arange(blocks + 1, dtype=np.int64) * length, rows.documents)


def collate(rows: Sequence[NDArray[np.int64]], padding: int) -> dict[str, Any]:
    """Build a batch of rows, padded on the right.

    Labels are the tokens themselves (transformers shifts them by one), and :data:`IGNORED` for
    padding. Without padding there is no attention mask.

    :return: tensors ``input_ids``, ``labels`` and perhaps ``attention_mask``, shape (rows, longest)
    """
    import torch

    longest = max(len(row) for row in rows)
    ids = np.full((len(rows), longest), padding, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    labels = np.where(mask == 1, ids, IGNORED)
    batch = {"input_ids": torch.from_numpy(ids), "labels": torch.from_numpy(labels)}
    if not mask.all():
        batch["attention_mask"] = torch.from_numpy(mask)
    return batch
