"""The environment variables of torch, transformers and ModelScope, and torch's threads."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb_modelscope.job import Job

#: Unless the user sets them.
DEFAULTS = {
    # Waiting threads sleep, and leave the cores to those that work.
    "OMP_WAIT_POLICY": "PASSIVE",
    # ModelScope's default of 5 takes long without a network.
    "MODELSCOPE_API_MAX_RETRIES": "1",
}

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")


@contextmanager
def prepared_libraries(job: Job) -> Iterator[None]:
    """Configure the libraries for a job while the block runs.

    Most variables are read when a library is imported, and must be set before: in a process that
    has already imported it, only ``threads`` and ``TOKENIZERS_PARALLELISM`` have an effect.
    """
    variables = {
        **{name: os.environ.get(name, text) for name, text in DEFAULTS.items()},
        **_required_variables(job),
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        with _threads(job.threads):
            yield
    finally:
        for name, text in before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text


def _required_variables(job: Job) -> dict[str, str]:
    variables = dict.fromkeys(OFFLINE, "1") if job.local else {}
    if job.train.dataloader.workers_per_gpu:
        variables["TOKENIZERS_PARALLELISM"] = "false"
    if job.threads is not None:
        variables["OMP_NUM_THREADS"] = str(job.threads)
    return variables


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    if number is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
