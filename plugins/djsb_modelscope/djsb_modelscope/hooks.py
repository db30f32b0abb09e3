"""Hooks for ModelScope's trainer: report every step, and evaluate periodically.

ModelScope calls the methods of a hook by name; no base class is needed, so this module imports
neither ModelScope nor torch.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError
from djsb_modelscope.change import WeightChange
from djsb_modelscope.tokens import IGNORED

if TYPE_CHECKING:
    from collections.abc import Callable

    from djsb_core.api import Watcher
    from djsb_modelscope.schedule import EpochSampler

#: Maximum number of last losses that ``final_loss`` averages.
LAST_LOSSES = 100


class StepHook:
    """Reports loss, learning rate, epoch and tokens of every step."""

    # ModelScope's order: after its LoadCheckpointHook (30), before its OptimizerHook (40),
    # which divides the loss by cumulative_iters in place.
    PRIORITY = 35

    def __init__(
        self,
        watcher: Watcher,
        seed: int,
        sampler: EpochSampler | None = None,
        signature: dict[str, Any] | None = None,
    ) -> None:
        """Start counting at zero; a checkpoint may replace the counts.

        :param sampler: provides the rows of an epoch; ``None`` for ModelScope's own sampler
        :param signature: values that a checkpoint must share to be resumed
        """
        self.watcher = watcher
        self.seed = seed
        self.sampler = sampler
        self.signature = signature or {}
        self.steps = self.tokens = self.rows = 0
        self.losses: deque[float] = deque(maxlen=LAST_LOSSES)
        self.change = WeightChange(watcher)

    def before_train_epoch(self, trainer: Any) -> None:  # noqa: ANN401 (ModelScope's trainer)
        """Set the epoch of the sampler."""
        if self.sampler is not None:
            self.sampler.epoch = trainer.epoch

    def before_train_iter(self, trainer: Any) -> None:  # noqa: ANN401
        """Make dropout depend on seed and step only, so a resumed training run repeats it."""
        import torch

        self.change.begin(trainer.model, trainer.optimizer)
        torch.manual_seed((self.seed << 32) + trainer.iter)

    def after_train_iter(self, trainer: Any) -> None:  # noqa: ANN401
        """Report the step that has just been computed.

        :raises ComponentError: if the loss is not a finite number
        """
        loss = trainer.train_outputs.get("loss")
        if loss is None:
            return
        value = float(loss.detach())
        self.steps = trainer.iter + 1
        if not math.isfinite(value):
            raise ComponentError(
                f"the loss is {value} at step {self.steps}; try a smaller learning rate"
            )
        self.losses.append(value)
        lr = trainer.optimizer.param_groups[0]["lr"]
        metrics = {"loss": value, "lr": lr, "epoch": self._count(trainer)}
        if self.tokens:
            metrics["tokens"] = self.tokens
        self.watcher.watch(metrics, "", self.steps)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of this hook for ModelScope's checkpoints."""
        counts = {"steps": self.steps, "tokens": self.tokens, "rows": self.rows}
        return {**counts, "losses": list(self.losses), "signature": self.signature}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from a checkpoint.

        :raises ComponentError: if it belongs to a training run with other data or settings
        """
        saved = state.get("signature", {})
        other = [key for key, value in self.signature.items() if saved.get(key) != value]
        if other:
            raise ComponentError(
                f"cannot resume: the checkpoint was created with different {', '.join(other)}; "
                "use another work_dir, or resume: false"
            )
        self.steps, self.tokens, self.rows = state["steps"], state["tokens"], state["rows"]
        self.losses.extend(state["losses"])

    def totals(self) -> dict[str, float]:
        """Return the totals of the training run."""
        tail = list(self.losses)[-max(1, self.steps // 10) :]
        totals: dict[str, float] = {"steps": self.steps}
        if self.tokens:
            totals["tokens"] = self.tokens
        if tail:
            totals["final_loss"] = sum(tail) / len(tail)
        return totals

    def _count(self, trainer: Any) -> float:  # noqa: ANN401
        """Count tokens and rows of the step; return the passes over the data so far."""
        batch = trainer.data_batch
        counted = None if not hasattr(batch, "get") else batch.get("attention_mask")
        if self.sampler is None:
            self.tokens += 0 if counted is None else int(counted.sum())
            return float(self.steps / trainer.iters_per_epoch)
        self.tokens += int((batch["labels"] != IGNORED).sum())
        self.rows += len(batch["labels"])
        return self.rows / self.sampler.schedule.rows


class HeldOutHook:
    """Reports ``eval_loss`` at an interval of steps or epochs."""

    # After ModelScope's LrSchedulerHook and CheckpointHook (70).
    PRIORITY = 80

    def __init__(
        self,
        watcher: Watcher,
        evaluate: Callable[[], float],
        interval: int,
        by_epoch: bool,  # noqa: FBT001 (ModelScope's own setting)
    ) -> None:
        """Store the evaluation and its interval."""
        self.watcher = watcher
        self.evaluate = evaluate
        self.interval = interval
        self.by_epoch = by_epoch

    def after_train_iter(self, trainer: Any) -> None:  # noqa: ANN401
        """Evaluate if due, counted in steps."""
        if not self.by_epoch and (trainer.iter + 1) % self.interval == 0:
            self.watcher.watch(self.evaluate(), "eval_loss", trainer.iter + 1)

    def after_train_epoch(self, trainer: Any) -> None:  # noqa: ANN401
        """Evaluate if due, counted in epochs."""
        if self.by_epoch and (trainer.epoch + 1) % self.interval == 0:
            self.watcher.watch(self.evaluate(), "eval_loss", trainer.iter)
