"""Split long documents into windows that fit a model, and group windows into batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Window:
    """A piece of one document.

    The model's input is all tokens but the last, its targets are all but the first.
    """

    document: int
    tokens: Sequence[int]
    scored: int
    """Number of scored predictions, from the end; the others are context."""

    @property
    def width(self) -> int:
        """Number of input tokens."""
        return len(self.tokens) - 1


def cut_windows(
    document: int, tokens: Sequence[int], max_length: int, stride: int
) -> Iterator[Window]:
    """Split a document so that every token after the first is scored exactly once.

    The strided method of transformers' guide to the perplexity of fixed-length models: windows
    start at multiples of ``stride`` and score what no earlier window did. A window has
    ``max_length`` input tokens and as many targets, the last one after its end; with
    ``stride == max_length`` the windows are disjoint, and the first token of a window is scored
    with the last token of the previous window as its context. A token in a later window has at
    least ``max_length - stride + 1`` tokens of context.
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
    """Group windows of similar width, so that a padded batch has at most ``batch_tokens`` tokens.

    A window wider than ``batch_tokens`` is a separate batch.
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
