"""The rows of every step: determined by the seed alone, so that training can be resumed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Schedule:
    """An endless stream of reshuffled passes over the rows, split into epochs and batches."""

    rows: int
    batch: int
    span: int
    """Rows of the stream in one of the trainer's epochs."""
    total: int
    """Rows of the stream in the whole training run."""
    seed: int
    shuffle: bool = True

    @property
    def epochs(self) -> int:
        """Epochs of the trainer; the last may be short."""
        return -(-self.total // self.span)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of a full epoch."""
        return -(-self.span // self.batch)

    @property
    def steps(self) -> int:
        """Steps of the whole training run."""
        last = self.total - (self.epochs - 1) * self.span
        return (self.epochs - 1) * self.steps_per_epoch + -(-last // self.batch)

    def indices(self, epoch: int) -> NDArray[np.int64]:
        """Return the rows of one of the trainer's epochs, in order.

        :param epoch: from 0
        """
        start, stop = epoch * self.span, min((epoch + 1) * self.span, self.total)
        passes = range(start // self.rows, -(-stop // self.rows))
        stream = np.concatenate([order(self.rows, self.seed, n, self.shuffle) for n in passes])
        offset = passes.start * self.rows
        return stream[start - offset : stop - offset]


def order(rows: int, seed: int, number: int, shuffle: bool) -> NDArray[np.int64]:  # noqa: FBT001 (a setting)
    """Return the order of the rows in one pass over them.

    :param number: index of the pass, from 0
    """
    if not shuffle:
        return np.arange(rows)
    return np.random.default_rng((seed, number)).permutation(rows)


def plan_epochs(rows: int, batch: int, epochs: int, seed: int, *, shuffle: bool) -> Schedule:
    """Plan a number of passes; the last batch of each may be short."""
    return Schedule(rows, batch, rows, epochs * rows, seed, shuffle)


def plan_full_batches(rows: int, batch: int, epochs: int, seed: int, *, shuffle: bool) -> Schedule:
    """Plan a number of passes with full batches only; a batch may contain rows of two passes."""
    span = _full_span(rows, batch)
    return Schedule(rows, batch, span, epochs * span, seed, shuffle)


def plan_tokens(
    lengths: NDArray[np.int64], batch: int, budget: int, seed: int, *, shuffle: bool
) -> Schedule:
    """Plan up to the step that reaches a number of tokens; all batches are full.

    :param lengths: tokens of each row
    """
    rows = len(lengths)
    steps = _steps_to(_step_tokens(lengths, batch, seed, shuffle=shuffle), budget)
    return Schedule(rows, batch, _full_span(rows, batch), steps * batch, seed, shuffle)


def _full_span(rows: int, batch: int) -> int:
    return max(1, round(rows / batch)) * batch


def _step_tokens(
    lengths: NDArray[np.int64], batch: int, seed: int, *, shuffle: bool
) -> Iterator[int]:
    remainder = np.zeros(0, dtype=np.int64)
    for number in count():
        stream = np.concatenate([remainder, lengths[order(len(lengths), seed, number, shuffle)]])
        full = len(stream) // batch * batch
        yield from stream[:full].reshape(-1, batch).sum(axis=1).tolist()
        remainder = stream[full:]


def _steps_to(tokens: Iterator[int], budget: int) -> int:
    seen = 0
    for step in count(1):
        seen += next(tokens)
        if seen >= budget:
            return step
    raise AssertionError


class EpochSampler:
    """Provides a torch data loader with the rows of the current epoch."""

    def __init__(self, schedule: Schedule) -> None:
        """Start at epoch 0; the trainer's hook updates ``epoch``."""
        self.schedule = schedule
        self.epoch = 0

    def __len__(self) -> int:
        """Return the rows of a full epoch, from which ModelScope derives its steps per epoch."""
        return self.schedule.span

    def __iter__(self) -> Iterator[int]:
        """Yield the rows of the current epoch."""
        return iter(self.schedule.indices(self.epoch).tolist())
