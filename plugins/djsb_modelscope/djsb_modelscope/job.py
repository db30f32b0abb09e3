"""What the training process is told: the contract between executor and worker."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from djsb_modelscope.settings import TrainSettings


class Mode(StrEnum):
    """How a model is trained."""

    AUTO = "auto"
    CAUSAL_LM = "causal_lm"
    NATIVE = "native"


class Job(BaseModel):
    """One training, with absolute paths; travels as JSON."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    mode: Mode
    model: str
    """An absolute path, or an id on the ModelScope hub."""
    local: bool
    """Whether ``model`` is a path: then nothing goes over the network."""
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
    events: int = -1
    """Descriptor of the pipe to the parent."""

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        return self.train.dataloader.batch_size_per_gpu
