"""The ModelScope hub: accessed for a model given by its id, never for a local folder."""

from __future__ import annotations

import importlib
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from djsb_core.api import ComponentError, can_reach
from djsb_modelscope.job import Mode
from djsb_modelscope.models import is_causal_lm, list_causal_lm_problems, list_native_problems

if TYPE_CHECKING:
    from djsb_modelscope.job import Job


def disable_hub_check() -> None:
    """Prevent ModelScope from checking on the hub whether a local folder is up to date.

    The check takes 20 s without a network, and minutes behind a firewall that drops packets.
    """
    for name in ("modelscope.trainers.base", "modelscope.trainers.trainer"):
        importlib.import_module(name).check_local_model_is_latest = _do_nothing  # type: ignore[attr-defined]


def download_model(job: Job) -> Job:
    """Return the job with its model on this machine and its mode resolved.

    :raises ComponentError: if the download fails, or the downloaded model cannot be trained
    """
    if job.local:
        return job
    folder = _download(job.model)
    mode = job.mode
    if mode is Mode.AUTO:
        mode = Mode.CAUSAL_LM if is_causal_lm(folder) else Mode.NATIVE
    if mode is Mode.CAUSAL_LM:
        problems = list_causal_lm_problems(folder, job.max_length)
    else:
        problems = list_native_problems(folder, job.trainer_name or "trainer")
    if problems:
        raise ComponentError("; ".join(problems))
    return replace(job, model=str(folder), mode=mode)


def _download(model: str) -> Path:
    """Return the newest version; without a network, the one already downloaded."""
    from modelscope.hub.snapshot_download import snapshot_download
    from modelscope.hub.utils.utils import get_endpoint

    try:
        # Its client tries for minutes where nothing answers.
        if not can_reach(get_endpoint()):
            raise ConnectionError(f"{get_endpoint()} cannot be reached")  # noqa: TRY301
        return Path(snapshot_download(model))
    except Exception as cause:
        with suppress(Exception):
            return Path(snapshot_download(model, local_files_only=True))
        lines = str(cause).strip().splitlines()
        reason = f"{type(cause).__name__}: {lines[-1] if lines else 'no reason given'}"
        raise ComponentError(
            f"'{model}' is not a local folder and could not be downloaded from the ModelScope hub "
            f"({reason}); put its files (configuration.json, config.json, weights such as "
            f"model.safetensors or pytorch_model.bin, tokenizer or vocabulary) into "
            f"{_cache(model)}, or set model_name to a folder that has them"
        ) from cause


def _cache(model: str) -> Path:
    """Return the cache folder in which ModelScope looks for a model."""
    root = Path(os.environ.get("MODELSCOPE_CACHE", "~/.cache/modelscope")).expanduser()
    owner, name = model.split("/")
    return root / "models" / owner / name.replace(".", "___")


def _do_nothing(*_arguments: object, **_options: object) -> None:
    """Replace the hub check."""
