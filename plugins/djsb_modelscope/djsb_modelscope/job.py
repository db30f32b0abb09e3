"""A training run: resolved settings and paths."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_modelscope.settings import TrainSettings


class Mode(StrEnum):
    """How a model is trained."""

    AUTO = "auto"
    CAUSAL_LM = "causal_lm"
    NATIVE = "native"


@dataclass(frozen=True)
class Job:
    """One training run, with absolute paths."""

    mode: Mode
    model: str
    """An absolute path, or an id on the ModelScope hub."""
    local: bool
    """Whether ``model`` is a path: then the network is not used."""
    trainer_name: str | None
    train_dataset: Path
    eval_dataset: Path | None
    text_key: str
    key_remapping: dict[str, str]
    work_dir: Path
    train: TrainSettings
    max_length: int | None
    packing: bool
    max_tokens: int | None
    seed: int
    resume: bool
    threads: int | None

    @property
    def batch_size(self) -> int:
        """Rows per step."""
        return self.train.dataloader.batch_size_per_gpu
