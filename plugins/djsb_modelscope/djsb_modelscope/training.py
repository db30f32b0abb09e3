"""Run one training run in this process, and describe its failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from djsb_core.api import ComponentError
from djsb_modelscope.job import Mode
from djsb_modelscope.libraries import prepared_libraries

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_core.api import Watcher
    from djsb_modelscope.job import Job


def run(job: Job, watcher: Watcher) -> Path:
    """Configure the libraries, find the model, train it and return the final folder.

    :raises ComponentError: if training fails
    """
    try:
        with prepared_libraries(job):
            return _train(job, watcher)
    except ComponentError:
        raise
    except Exception as error:  # the backend may raise anything
        raise ComponentError(describe(error)) from error


def _train(job: Job, watcher: Watcher) -> Path:
    from djsb_modelscope.hub import disable_hub_check, download_model

    if job.local:
        disable_hub_check()
    job = download_model(job)
    if job.mode is Mode.CAUSAL_LM:
        from djsb_modelscope.causal_lm import train
    else:
        from djsb_modelscope.native import train
    return train(job, watcher)


def describe(error: BaseException) -> str:
    """Describe an error and its root cause in one sentence, with a remedy if known."""
    cause = error
    while (earlier := cause.__cause__ or cause.__context__) is not None:
        cause = earlier
    text = _line(error) if cause is error else f"{_line(error)} (caused by {_line(cause)})"
    return f"training failed: {text}{_remedy(f'{error} {cause}', cause)}"


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__


def _remedy(text: str, cause: BaseException) -> str:
    if isinstance(cause, MemoryError) or "out of memory" in text or "can't allocate" in text:
        return "; memory ran out: use a smaller batch_size_per_gpu or max_length"
    if "megatron_util" in text:
        return "; ModelScope's own model needs megatron_util, which is not on PyPI"
    if isinstance(cause, ImportError | AttributeError) and "transformers" in text:
        import transformers

        return (
            f"; ModelScope's own model does not work with transformers {transformers.__version__}:"
            " use transformers<5 in an isolated environment, or a model in transformers' format"
        )
    return ""
