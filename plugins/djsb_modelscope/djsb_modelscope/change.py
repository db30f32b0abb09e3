"""Whether a training run changes the model: a warning if it does not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from djsb_core.api import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb_core.api import Watcher

UNCHANGED = "no_change"
FIRST_UPDATES = 10
SAMPLED = 4096
"""Number of values that are compared of each tensor."""
SMALLEST = 1e-6
"""Relative change below which the weights count as unchanged: a few units in the last place of
single precision, 6e-8 each."""
TINY_RATE = 1e-7
"""No model is trained at such a learning rate; published ones begin at 1e-6."""
SMALLEST_LOSS = 1e-5
"""Relative change below which the held-out loss counts as unchanged."""


class WeightChange:
    """Compares the weights with the first ones, after a few updates and at the end."""

    def __init__(self, watcher: Watcher) -> None:
        """Warn a watcher."""
        self._watcher = watcher
        self._updates = 0
        self._model: Any = None
        self._optimizer: Any = None
        self._first: list[Any] = []

    def begin(self, model: Any, optimizer: Any) -> None:  # noqa: ANN401 (of torch)
        """Remember the weights before the first update."""
        if self._model is None:
            self._model, self._optimizer = model, optimizer
            self._first = list(_samples(model))
            optimizer.register_step_post_hook(self._after_update)

    def end(self) -> None:
        """Warn if the weights are the first ones."""
        if self._updates != FIRST_UPDATES:
            self._warn()

    def _after_update(self, *_: object) -> None:
        self._updates += 1
        if self._updates == FIRST_UPDATES and self._rate() > 0:  # still 0: a slow start
            self._warn()

    def _rate(self) -> float:
        return max(float(group["lr"]) for group in self._optimizer.param_groups)

    def _warn(self) -> None:
        change = self._relative_change()
        if change > SMALLEST:
            return
        said = "has not changed" if change == 0 else f"has changed by {change:.1g} of its size"
        text = f"after {counted(self._updates, 'update')} the model {said}"
        if self._rate() < TINY_RATE:
            text += f": the learning rate is {self._rate():g}; raise train.optimizer.lr"
        else:
            text += ": no gradient reaches its weights; look for frozen layers"
        self._watcher.watch(text, UNCHANGED, self._updates)

    def _relative_change(self) -> float:
        """Return the norm of the change of the sampled weights, relative to theirs."""
        change = size = 0.0
        for first, now in zip(self._first, _samples(self._model), strict=True):
            change += float((now - first).square().sum())
            size += float(first.square().sum())
        if not size:
            return math.inf if change else 0.0
        return math.sqrt(change / size)


def warn_of_unchanged_loss(watcher: Watcher, first: float, last: float) -> None:
    """Warn if the held-out loss is that of the untrained model."""
    if abs(last - first) <= SMALLEST_LOSS * abs(first):
        watcher.watch(
            f"the held-out loss is {last:.6g} nats per token, as before the training", UNCHANGED
        )


def _samples(model: Any) -> Iterator[Any]:  # noqa: ANN401 (of torch)
    """Yield values spread over each trainable tensor, in double precision."""
    for weights in model.parameters():
        if weights.requires_grad:
            flat = weights.detach().reshape(-1)
            yield flat[:: max(1, len(flat) // SAMPLED)].double().cpu()
