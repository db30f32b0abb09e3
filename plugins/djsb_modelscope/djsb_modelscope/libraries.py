"""What torch, transformers and ModelScope read from the environment, and torch's threads."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from djsb_modelscope.job import Job

#: Unless the user says otherwise.
DEFAULTS = {
    # Threads that wait sleep, and leave the cores to those that work.
    "OMP_WAIT_POLICY": "PASSIVE",
    # ModelScope's own 5 wait long without a network.
    "MODELSCOPE_API_MAX_RETRIES": "1",
}

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")


@contextmanager
def prepared_libraries(job: Job) -> Iterator[None]:
    """Have the libraries work as a job wants them to, while the block runs.

    Most variables are read when a library is imported, and so must come before that: in a process
    that has imported it already, only ``threads`` and ``TOKENIZERS_PARALLELISM`` have an effect.
    """
    ours = {**{name: os.environ.get(name, text) for name, text in DEFAULTS.items()}, **_wanted(job)}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        with _threads(job.threads):
            yield
    finally:
        for name, text in before.items():
            if text is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = text


def _wanted(job: Job) -> dict[str, str]:
    wanted = dict.fromkeys(OFFLINE, "1") if job.local else {}
    if job.train.dataloader.workers_per_gpu:
        wanted["TOKENIZERS_PARALLELISM"] = "false"
    if job.threads is not None:
        wanted["OMP_NUM_THREADS"] = str(job.threads)
    return wanted


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
