"""Checkpoints of ModelScope's trainer, and the fixes needed to resume from them."""

from __future__ import annotations

import zipfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

STATE = "_trainer_state.pth"
KINDS = ("epoch_*", "iter_*")


def find_newest(work_dir: Path) -> Path | None:
    """Return the newest complete checkpoint as ModelScope names it, without suffix.

    A checkpoint consists of two files; one that a killed process left incomplete is skipped.
    """
    candidates = [
        state.with_name(state.name.removesuffix(STATE))
        for kind in KINDS
        for state in work_dir.glob(kind + STATE)
    ]
    complete = [path for path in candidates if _is_whole(path)]
    return max(complete, key=lambda path: _model(path).stat().st_mtime_ns, default=None)


def allow_random_state() -> ExitStack:
    """Let torch load ModelScope's checkpoints within the returned context.

    They contain numpy's random state, which ``torch.load(weights_only=True)``, as called by
    ModelScope 1.40, rejects: its own resume fails without this.
    """
    import numpy as np
    import torch
    from numpy._core.multiarray import _reconstruct

    stack = ExitStack()
    kinds: list[Any] = [_reconstruct, np.ndarray, np.dtype, np.dtypes.UInt32DType]
    stack.enter_context(torch.serialization.safe_globals(kinds))
    return stack


def remove_default_hook(trainer: Any) -> None:  # noqa: ANN401 (ModelScope's trainer)
    """Remove the hook that saves a checkpoint every epoch, which ModelScope adds by default."""
    for hook in list(trainer.hooks):
        if hasattr(hook, "save_strategy"):
            trainer.hooks.remove(hook)


def save_after_the_schedule(trainer: Any) -> None:  # noqa: ANN401 (ModelScope's trainer)
    """Save step-based checkpoints last in their step.

    ModelScope saves them before it updates the learning rate, so a resumed training run lags one
    step behind. (Epoch-based ones are correct: the end of the epoch is run again.)
    """
    for hook in list(trainer.hooks):
        if getattr(hook, "save_strategy", None) == "by_step":
            trainer.hooks.remove(hook)
            hook.PRIORITY = 95
            trainer.register_hook(hook)


def _model(checkpoint: Path) -> Path:
    return checkpoint.with_name(checkpoint.name + ".pth")


def _is_whole(checkpoint: Path) -> bool:
    state = checkpoint.with_name(checkpoint.name + STATE)
    return all(file.is_file() and zipfile.is_zipfile(file) for file in (state, _model(checkpoint)))
