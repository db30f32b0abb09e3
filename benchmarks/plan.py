"""Time the planning of 1,000 jobs in 50 pipelines, with references between them.

Claim: read and planned in under 2 s. Each process reads the file and plans it once; prints the
median of the wall times, without and with the start of Python and the imports. No plugin is needed:
every job is an ``mse`` evaluation of a file from the previous job.

    python benchmarks/plan.py [--pipelines N] [--jobs N] [--rounds N]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

CLAIM = 2.0
PLAN = """
import time
from pathlib import Path
from djsb.config.reader import read_experiment
from djsb.planner.plan import plan

started = time.perf_counter()
planned = plan(read_experiment(Path("experiment.yaml")))
print(time.perf_counter() - started, len(planned.jobs), sum(map(len, planned.needs.values())))
"""
JOB = """\
    - hook: EvaluateDataHook
      meta_name: job{job}
      input:
        extra_configs.predicted_dataset_path: {source}.results.0.pred_path
      output: [results, min_mse]
      extra_configs:
        type: mse
        predicted_dataset_path: <set by the input>
        ground_truth_dataset_path: data.jsonl
        predicted_value_key: predicted
        ground_truth_value_key: truth
"""
FIRST = """\
    - hook: EvaluateDataHook
      meta_name: first
      extra_configs:
        type: mse
        predicted_dataset_path: data.jsonl
        predicted_value_key: predicted
        ground_truth_value_key: truth
"""


def experiment(pipelines: int, jobs: int) -> str:
    """Write an experiment in which each job refers to another, every tenth across pipelines."""
    text = "work_dir: out\npipelines:\n"
    for pipeline in range(pipelines):
        text += f"- pipe{pipeline}:\n    evaluation_job_configs:\n{FIRST}"
        for job in range(1, jobs):
            source = f"pipe{pipeline}.{f'job{job - 1}' if job > 1 else 'first'}"
            if job % 10 == 0 and pipeline > 0:
                source = f"pipe{pipeline - 1}.job{job}"
            text += JOB.format(job=job, source=source)
    return text


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the planning of a large experiment.")
    parser.add_argument("--pipelines", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=20, help="in each pipeline")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    planning, whole = [], []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "experiment.yaml").write_text(experiment(options.pipelines, options.jobs))
        Path(folder, "data.jsonl").write_text('{"predicted": 1, "truth": 2}\n')
        for _ in range(options.rounds + 1):
            started = time.perf_counter()
            command = [sys.executable, "-c", PLAN]
            result = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
            whole.append(time.perf_counter() - started)
            seconds, jobs, needs = result.stdout.split()
            planning.append(float(seconds))
    print(
        f"planning {jobs} jobs in {options.pipelines} pipelines ({needs} must wait for another): "
        f"median {median(planning[1:]):.2f} s, max {max(planning[1:]):.2f} s "
        f"({options.rounds} rounds; claim: < {CLAIM:g} s); "
        f"with the start of Python and the imports {median(whole[1:]):.2f} s"
    )


if __name__ == "__main__":
    main()
