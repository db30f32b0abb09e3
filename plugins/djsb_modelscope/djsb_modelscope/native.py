"""Train a ModelScope model with ModelScope's own trainer and preprocessing."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError
from djsb_modelscope import checkpoints
from djsb_modelscope.final import replace_folder
from djsb_modelscope.hooks import StepHook
from djsb_modelscope.rows import read_renamed

if TYPE_CHECKING:
    from djsb_core.api import Watcher
    from djsb_modelscope.job import Job

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.safetensors.index.json")


def train(job: Job, watcher: Watcher) -> Path:
    """Train and save; return the final folder."""
    started = time.monotonic()
    hook = StepHook(watcher, job.seed)
    trainer = _build_trainer(job, hook)
    if not hasattr(trainer, "hooks"):
        raise ComponentError(
            f"ModelScope's '{job.trainer_name}' is not an epoch-based trainer: it reports no losses"
        )
    newest = checkpoints.find_newest(job.work_dir) if job.resume else None
    checkpoints.save_after_the_schedule(trainer)
    with checkpoints.allow_random_state():
        trainer.train(checkpoint_path=None if newest is None else str(newest))
    if not hook.steps:
        raise ComponentError("training ran no step, or the model returns no 'loss'")
    hook.change.end()
    _save(job, trainer)
    documents = len(trainer.train_dataset)
    seconds = time.monotonic() - started
    watcher.watch({**hook.totals(), "documents": documents, "seconds": seconds}, "")
    return job.work_dir / "final"


def _build_trainer(job: Job, hook: StepHook) -> Any:  # noqa: ANN401 (ModelScope's trainer)
    from modelscope.trainers import build_trainer

    def change(configuration: Any) -> Any:  # noqa: ANN401 (ModelScope's Config)
        settings = job.train.model_dump(exclude_unset=True, exclude_none=True)
        settings["dataloader"] = job.train.dataloader.model_dump()
        if "evaluation" in settings:
            configuration["evaluation"] = settings.pop("evaluation")
        for key, value in settings.items():
            configuration.train[key] = value
        return configuration

    arguments = {
        "model": job.model,
        "train_dataset": _load(job.train_dataset, job),
        "eval_dataset": None if job.eval_dataset is None else _load(job.eval_dataset, job),
        "work_dir": str(job.work_dir),
        "cfg_modify_fn": change,
        "seed": job.seed,
        "callbacks": [hook],
    }
    return build_trainer(job.trainer_name or "trainer", arguments)


def _load(path: Path, job: Job) -> Any:  # noqa: ANN401 (an MsDataset)
    """Read the rows here: MsDataset.load would access the hub."""
    from datasets import Dataset
    from modelscope.msdatasets import MsDataset

    return MsDataset(Dataset.from_list(read_renamed(path, job.key_remapping)))


def _save(job: Job, trainer: Any) -> None:  # noqa: ANN401
    import torch
    from transformers import PreTrainedModel

    model = trainer.unwrap_module(trainer.model)
    output = job.work_dir / "output"
    with replace_folder(job.work_dir) as folder:
        # What ModelScope prepared, without its weights: those of transformers models are stale.
        for source in (Path(job.model), output):
            _copy_small_files(source, folder)
        if isinstance(model, PreTrainedModel):
            PreTrainedModel.save_pretrained(model, folder)
        else:
            torch.save(model.state_dict(), folder / "pytorch_model.bin")


def _copy_small_files(source: Path, folder: Path) -> None:
    if source.is_dir():
        shutil.copytree(
            source, folder, ignore=shutil.ignore_patterns(*WEIGHTS, ".*"), dirs_exist_ok=True
        )
