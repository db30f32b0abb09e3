"""Time a job in an existing isolated environment against the bare interpreter.

Claim: at most 1.5 times the start of the environment's interpreter with the imports of the same
component, and at most 0.3 s more. Each round times both, one after the other: a new worker process
that runs one job, from its start to its result; and ``python -c "from … import Evaluator"`` in the
same environment. The component is ``mse``, which imports little: the worst case for the ratio.
Prints the medians of the paired rounds. The environment is created with the first available
manager, from the package index.

    python benchmarks/environment_job.py [--rounds N]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from djsb.config.reader import read_experiment
from djsb.placement.workers import WorkerProcess
from djsb.planner.plan import plan
from djsb_core.identity import JobId
from djsb_core.interfaces.placement import NullSink, ProcessSpec
from djsb_core.job.request import JobRequest
from djsb_environments.kept import Environments

if TYPE_CHECKING:
    from djsb_core.interfaces.interpreter import Interpreter

RATIO, SECONDS = 1.5, 0.3
SETTINGS = {
    "predicted_dataset_path": "data.jsonl",
    "ground_truth_dataset_path": "data.jsonl",
    "predicted_value_key": "value",
    "ground_truth_value_key": "value",
}
EXPERIMENT = {
    "evaluation_job_configs": [
        {"hook": "EvaluateDataHook", "extra_configs": {"type": "mse", "env": {}, **SETTINGS}}
    ]
}
BARE = "from djsb_core.evaluators.mse import MSEEvaluator"


def create_interpreter() -> Interpreter:
    """Create the environment of the experiment, in the working directory."""
    Path("data.jsonl").write_text('{"value": 1}\n')
    path = Path("sandbox.yaml")
    path.write_text(json.dumps(EXPERIMENT))  # JSON is YAML
    (job,) = plan(read_experiment(path)).jobs
    if job.environment is None:
        raise SystemExit("the experiment has no environment")
    with Environments(Path("environments")) as environments:
        return environments.make(job.environment, print)


def time_job(interpreter: Interpreter, folder: Path) -> float:
    """Run one job in a new worker process; return the seconds until its result."""
    order = JobRequest(
        hook="EvaluateDataHook",
        component="mse",
        dj_configs=None,
        extra_configs=dict(SETTINGS),
        id=JobId("anonymous", "evaluation", 0, "job"),
        folder=folder,
        log=folder / "log.txt",
        lookup=(Path.cwd(),),
        outputs={},
        placed={},
        metrics={},
        output_names=("scores", "mse"),
    )
    executor = WorkerProcess()
    started = time.perf_counter()
    executor.execute(order, NullSink(), None, ProcessSpec(interpreter))
    seconds = time.perf_counter() - started
    executor.close()
    return seconds


def time_bare(interpreter: Interpreter) -> float:
    """Start the interpreter and import the component; return the seconds."""
    variables = {**os.environ, **interpreter.variables, "PYTHONPATH": str(interpreter.importable)}
    started = time.perf_counter()
    subprocess.run([interpreter.python, "-P", "-s", "-c", BARE], check=True, env=variables)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time a job in a warm environment.")
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        interpreter = create_interpreter()
        pairs = [
            (time_bare(interpreter), time_job(interpreter, Path(folder)))
            for _ in range(rounds + 1)  # the first writes bytecode
        ][1:]
        os.chdir("/")
    bare = median(bare_seconds for bare_seconds, _ in pairs)
    ratio = median(job_seconds / bare_seconds for bare_seconds, job_seconds in pairs)
    more = median(job_seconds - bare_seconds for bare_seconds, job_seconds in pairs)
    print(f"interpreter and imports: {bare:.2f} s (median of {rounds})")
    print(f"a job in the environment: {ratio:.2f} times that (claim: at most {RATIO})")
    print(f"overhead of djsb: {more:.2f} s (claim: at most {SECONDS} s)")


if __name__ == "__main__":
    main()
