"""Run a training in a process group of its own and follow what it reports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from djsb_core.api import ComponentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from djsb_core.api import Watcher
    from djsb_modelscope.job import Job

#: A process that has reported its result may still shut down helpers; seconds.
SHUTDOWN = 60


def run_job(job: Job, folder: Path, watcher: Watcher) -> Path:
    """Train in a subprocess, forward its metrics as they come, and return the final folder.

    :param job: what to train
    :param folder: where the job file is written
    :param watcher: receives every metric
    :raises ComponentError: if the process reports an error, or ends without a result
    """
    source, sink = os.pipe()
    try:
        file = folder / "modelscope_job.json"
        file.write_text(job.model_copy(update={"events": sink}).model_dump_json(indent=1))
        process = _start(file, sink, _environment(job))
    except BaseException:
        os.close(source)
        raise
    finally:
        os.close(sink)
    try:
        with os.fdopen(source, encoding="utf-8") as events:
            result = _follow(events, watcher)
        status = process.wait(SHUTDOWN)
    except subprocess.TimeoutExpired:
        status = 0
    finally:
        _stop(process)
    if result is None:
        raise ComponentError(_epitaph(status))
    return result


def _start(file: Path, sink: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the worker; its stdin is a lifeline: it ends when this process does."""
    return subprocess.Popen(  # noqa: S603 (our own module)
        [sys.executable, "-m", "djsb_modelscope.worker", str(file)],
        stdin=subprocess.PIPE,
        pass_fds=(sink,),
        env=environment,
        start_new_session=True,
    )


def _environment(job: Job) -> dict[str, str]:
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONUNBUFFERED": "1"}
    if job.local:
        offline = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
        environment |= dict.fromkeys(offline, "1")
    if job.train.dataloader.workers_per_gpu:
        environment["TOKENIZERS_PARALLELISM"] = "false"
    if job.threads is not None:
        environment["OMP_NUM_THREADS"] = str(job.threads)
    return environment


def _follow(events: IO[str], watcher: Watcher) -> Path | None:
    for event in _parse(events):
        for name, value in event.get("metrics", {}).items():
            watcher.watch(value, name, event.get("step"))
        if "error" in event:
            raise ComponentError(event["error"])
        if "result" in event:
            return Path(event["result"])
    return None


def _parse(events: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in events:
        # A process that was killed may leave half a line.
        if line.endswith("\n"):
            yield json.loads(line)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            continue
    if process.stdin is not None:
        process.stdin.close()


def _epitaph(status: int) -> str:
    if status == -signal.SIGKILL:
        return "the training process was killed; most likely the machine ran out of memory"
    if status < 0:
        return f"the training process ended with {signal.Signals(-status).name}; see the job's log"
    return f"the training process ended with status {status} and no result; see the job's log"
