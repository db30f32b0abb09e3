"""The training process: ``python -m djsb_modelscope.worker JOB.json``."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from djsb_core.api import ComponentError
from djsb_modelscope.events import Channel, die_with_parent
from djsb_modelscope.job import Job, Mode


def main(arguments: list[str]) -> int:
    """Train as the job file says; report to the parent; return the exit status."""
    job = Job.model_validate_json(Path(arguments[0]).read_text(encoding="utf-8"))
    channel = Channel(job.events)
    die_with_parent()
    try:
        folder = run(job, channel)
    except ComponentError as error:
        channel.fail(str(error))
        return 1
    except Exception as error:  # noqa: BLE001 (the backend may raise anything)
        traceback.print_exc()
        channel.fail(describe(error))
        return 1
    channel.finish(folder)
    return 0


def run(job: Job, channel: Channel) -> Path:
    """Prepare the libraries, find the model and train it."""
    from djsb_modelscope.hub import fetch_model, forget_the_hub

    if job.threads is not None:
        import torch

        torch.set_num_threads(job.threads)
    if job.local:
        forget_the_hub()
    job = fetch_model(job)
    if job.mode is Mode.CAUSAL_LM:
        from djsb_modelscope.causal_lm import train
    else:
        from djsb_modelscope.native import train
    return train(job, channel)


def describe(error: BaseException) -> str:
    """Put an error and its first cause into one sentence, with what helps if that is known."""
    cause = error
    while (earlier := cause.__cause__ or cause.__context__) is not None:
        cause = earlier
    said = _line(error) if cause is error else f"{_line(error)} (caused by {_line(cause)})"
    return f"training failed: {said}{_remedy(f'{error} {cause}', cause)}"


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__


def _remedy(text: str, cause: BaseException) -> str:
    if isinstance(cause, MemoryError) or "out of memory" in text or "can't allocate" in text:
        return "; memory ran out: use a smaller batch_size_per_gpu or max_length"
    if "megatron_util" in text:
        return "; ModelScope's own model needs megatron_util, which PyPI does not offer"
    if isinstance(cause, ImportError | AttributeError) and "transformers" in text:
        import transformers

        return (
            f"; ModelScope's own model does not work with transformers {transformers.__version__}:"
            " use transformers<5 in an environment of its own, or a model in transformers' format"
        )
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
