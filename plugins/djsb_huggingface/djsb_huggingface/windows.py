"""Cut long documents into windows that a model can read, and windows into batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Window:
    """A piece of one document.

    The model reads all tokens but the last, and predicts all but the first.
    """

    document: int
    tokens: Sequence[int]
    scored: int
    """How many predictions count, from the end; the others are context."""

    @property
    def width(self) -> int:
        """Number of tokens that the model reads."""
        return len(self.tokens) - 1


def cut_windows(
    document: int, tokens: Sequence[int], max_length: int, stride: int
) -> Iterator[Window]:
    """Cut a document so that every token after the first is scored exactly once.

    The strided recipe of transformers' guide to the perplexity of fixed-length models: windows
    begin at multiples of ``stride`` and score what no earlier window did. A window reads
    ``max_length`` tokens and predicts as many, the last one beyond its end; so with
    ``stride == max_length`` the windows are disjoint, and the first token of a window is scored
    with the last token of the window before it as its context. A later window's token has at least
    ``max_length - stride + 1`` tokens of context.
    """
    scored_up_to = 0
    last = len(tokens) - 1
    start = 0
    while scored_up_to < last:
        end = min(start + max_length, last)
        yield Window(document, tokens[start : end + 1], end - scored_up_to)
        scored_up_to = end
        start += stride


def make_batches(windows: Sequence[Window], batch_tokens: int) -> Iterator[list[Window]]:
    """Group windows of like width, so that a padded batch has at most ``batch_tokens`` tokens.

    A window that is wider than ``batch_tokens`` is a batch of its own.
    """
    batch: list[Window] = []
    widest = 0
    for window in sorted(windows, key=lambda window: -window.width):
        widest = widest if batch else window.width
        if batch and widest * (len(batch) + 1) > batch_tokens:
            yield batch
            batch, widest = [], window.width
        batch.append(window)
    if batch:
        yield batch
