"""Train a causal language model of transformers with ModelScope's epoch-based trainer.

ModelScope's stock text generation trainer shifts labels that transformers shifts again, counts
padding, and leaves an untrained copy in ``output/``. Here labels, batches and the final folder are
our own, and ModelScope does the rest: optimizer, schedule, hooks, checkpoints.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from djsb_core.api import ComponentError, counted
from djsb_modelscope import checkpoints
from djsb_modelscope.change import warn_of_unchanged_loss
from djsb_modelscope.configuration import write_configuration
from djsb_modelscope.final import replace_folder
from djsb_modelscope.hooks import HeldOutHook, StepHook
from djsb_modelscope.models import context_length
from djsb_modelscope.recipe import create_recipe
from djsb_modelscope.rows import read_texts
from djsb_modelscope.schedule import (
    EpochSampler,
    Schedule,
    plan_epochs,
    plan_full_batches,
    plan_tokens,
)
from djsb_modelscope.tokens import TokenRows, collate, encode, pack

if TYPE_CHECKING:
    from djsb_core.api import Watcher
    from djsb_modelscope.job import Job

LONGEST_DEFAULT = 1024


@dataclass
class Setup:
    """Everything that a training run uses."""

    job: Job
    tokenizer: Any
    model: Any
    rows: TokenRows
    held_out: TokenRows | None
    schedule: Schedule
    padding: int

    def evaluate(self) -> float:
        """Return the held-out loss of the model in its current state."""
        assert self.held_out is not None  # noqa: S101 (called only if there is such data)
        return measure_loss(self.model, self.held_out, self.job.batch_size, self.padding)


def train(job: Job, watcher: Watcher) -> Path:
    """Train, save and evaluate; return the final folder."""
    started = time.monotonic()
    setup = prepare(job)
    hook = StepHook(watcher, job.seed, EpochSampler(setup.schedule), _signature(setup))
    trainer = _build_trainer(setup, hook, watcher)
    newest = checkpoints.find_newest(job.work_dir) if job.resume else None
    first = None if setup.held_out is None or newest else setup.evaluate()
    with checkpoints.allow_random_state():
        trainer.train(checkpoint_path=None if newest is None else str(newest))
    hook.change.end()
    folder = _save(setup)
    totals = {**hook.totals(), "documents": setup.rows.documents}
    if setup.held_out is not None:
        totals["eval_loss"] = last = setup.evaluate()
        if first is not None:
            warn_of_unchanged_loss(watcher, first, last)
    watcher.watch({**totals, "seconds": time.monotonic() - started}, "")
    return folder


def prepare(job: Job) -> Setup:
    """Load model and tokenizer, tokenize the data, and plan the rows of every step.

    :raises ComponentError: if model and tokenizer do not match, or no text remains
    """
    folder = Path(job.model)
    tokenizer, model = load_tokenizer(folder), load_model(folder)
    length = job.max_length or min(context_length(folder) or LONGEST_DEFAULT, LONGEST_DEFAULT)
    texts = read_texts(job.train_dataset, job.text_key)
    rows = encode(texts, tokenizer, None if job.packing else length)
    if job.packing:
        rows = pack(rows, length)
    held_out = None
    if job.eval_dataset is not None:
        held_out = encode(read_texts(job.eval_dataset, job.text_key), tokenizer, length)
    _check_vocabulary(folder, rows, model)
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    return Setup(job, tokenizer, model, rows, held_out, _plan(job, rows), padding)


def load_tokenizer(folder: Path) -> Any:  # noqa: ANN401 (of transformers)
    """Load a folder's tokenizer.

    :raises ComponentError: if it cannot be loaded
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, ImportError) as cause:
        raise ComponentError(f"{folder}: its tokenizer cannot be loaded: {cause}") from cause


def load_model(folder: Path) -> Any:  # noqa: ANN401 (of transformers)
    """Load a folder's complete model in single precision.

    :raises ComponentError: if it cannot be loaded, or some of its weights are missing
    """
    import torch
    import transformers

    models: Any = transformers.AutoModelForCausalLM

    try:
        model, loading_info = models.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, ImportError) as cause:
        raise ComponentError(f"{folder}: its model cannot be loaded: {cause}") from cause
    missing = sorted(loading_info["missing_keys"])
    if missing:
        raise ComponentError(
            f"{folder}: the weights lack {counted(len(missing), 'tensor')}: {missing[0]} …"
        )
    return model


def measure_loss(model: Any, rows: TokenRows, batch: int, padding: int) -> float:  # noqa: ANN401
    """Return the mean negative log-likelihood in nats per token, over all predicted tokens."""
    import torch
    from torch.nn.functional import cross_entropy

    by_length = sorted(range(len(rows)), key=lambda index: -int(rows.lengths[index]))
    total, tokens = 0.0, 0
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(rows), batch):
            batch_rows = [rows[index] for index in by_length[start : start + batch]]
            inputs = collate(batch_rows, padding)
            inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
            labels = inputs.pop("labels")[:, 1:].flatten()
            logits = model(**inputs, use_cache=False).logits[:, :-1].flatten(0, 1).float()
            total += float(cross_entropy(logits, labels, reduction="sum"))
            tokens += sum(len(row) - 1 for row in batch_rows)
    return total / tokens


def _plan(job: Job, rows: TokenRows) -> Schedule:
    loader = job.train.dataloader.model_extra or {}
    shuffle = bool(loader.get("shuffle", True))
    if job.max_tokens is not None:
        return plan_tokens(rows.lengths, job.batch_size, job.max_tokens, job.seed, shuffle=shuffle)
    plan = plan_full_batches if job.packing else plan_epochs
    epochs = job.train.max_epochs or 1
    return plan(len(rows), job.batch_size, epochs, job.seed, shuffle=shuffle)


def _check_vocabulary(folder: Path, rows: TokenRows, model: Any) -> None:  # noqa: ANN401
    known = model.get_input_embeddings().weight.shape[0]
    if rows.ids.max() >= known:
        raise ComponentError(
            f"{folder}: the tokenizer does not match the model: id {rows.ids.max()} in a "
            f"vocabulary of {known} tokens"
        )


def _signature(setup: Setup) -> dict[str, Any]:
    job = setup.job
    return {
        "data": hashlib.sha256(setup.rows.ids.tobytes()).hexdigest(),
        "seed": job.seed,
        "batch size": job.batch_size,
        "length of rows": hashlib.sha256(setup.rows.bounds.tobytes()).hexdigest(),
    }


def _build_trainer(setup: Setup, hook: StepHook, watcher: Watcher) -> Any:  # noqa: ANN401
    from modelscope.msdatasets.dataset_cls.custom_datasets import TorchCustomDataset
    from modelscope.trainers import build_trainer

    job = setup.job
    recipe = create_recipe(job, setup.schedule)
    file = job.work_dir / "configuration.json"
    file.write_text(json.dumps(recipe, indent=1), encoding="utf-8")
    setup.model.config.use_cache = False
    arguments = {
        "model": setup.model,
        "cfg_file": str(file),
        "train_dataset": TorchCustomDataset(setup.rows),
        "data_collator": partial(collate, padding=setup.padding),
        "samplers": hook.sampler,
        "work_dir": str(job.work_dir),
        "seed": job.seed,
        "callbacks": [hook, *_held_out_hooks(setup, watcher)],
    }
    trainer = build_trainer("trainer", arguments)
    if job.train.checkpoint is None:
        checkpoints.remove_default_hook(trainer)
    checkpoints.save_after_the_schedule(trainer)
    return trainer


def _held_out_hooks(setup: Setup, watcher: Watcher) -> list[HeldOutHook]:
    period = (setup.job.train.evaluation or {}).get("period")
    if not period:
        return []
    if setup.held_out is None:
        raise ComponentError("train.evaluation.period needs an eval_dataset")
    interval, by_epoch = period.get("interval", 1), period.get("by_epoch", True)
    return [HeldOutHook(watcher, setup.evaluate, interval, by_epoch)]


def _save(setup: Setup) -> Path:
    with replace_folder(setup.job.work_dir) as folder:
        setup.model.config.use_cache = True
        setup.model.save_pretrained(folder)
        setup.tokenizer.save_pretrained(folder)
        write_configuration(folder, setup.model.config.model_type)
    return setup.job.work_dir / "final"
