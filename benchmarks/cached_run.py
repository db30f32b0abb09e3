"""Time ``djsb run`` of an experiment whose 200 jobs, in 10 pipelines, are all cached.

Claim: under 3 s. Runs the real command in a fresh process each time, including start and summary;
prints the median of the wall times, and that of ``--dry-run``, which only plans. No plugin is
needed: every job is an ``mse`` evaluation with its own input file and one from the previous job,
so there are 200 keys.

    python benchmarks/cached_run.py [--pipelines N] [--jobs N] [--rounds N] [--workers N]
    python benchmarks/cached_run.py --profile cached.prof
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

CLAIM = 3.0
ROWS = 100
DJSB = str(Path(sys.executable).with_name("djsb"))
JOB = """\
    - hook: EvaluateDataHook
      meta_name: job{job}
      output: [results, min_mse]
      extra_configs:
        type: mse
        predicted_dataset_path: data/first.jsonl
        ground_truth_dataset_path: data/{pipeline}-{job}.jsonl
        predicted_value_key: value
        ground_truth_value_key: value
"""
INPUT = """\
      input:
        extra_configs.predicted_dataset_path: {source}.results.0.pred_path
"""


def write_experiment(folder: Path, pipelines: int, jobs: int) -> None:
    """Write an experiment in which each job refers to the previous one, across pipelines too."""
    text = "work_dir: out\npipelines:\n"
    (folder / "data").mkdir()
    write_rows(folder / "data" / "first.jsonl", 0)
    for pipeline in range(pipelines):
        text += f"- pipe{pipeline}:\n    evaluation_job_configs:\n"
        for job in range(jobs):
            write_rows(folder / "data" / f"{pipeline}-{job}.jsonl", pipeline * jobs + job + 1)
            text += JOB.format(job=job, pipeline=pipeline)
            if job > 0:
                text += INPUT.format(source=f"pipe{pipeline}.job{job - 1}")
            elif pipeline > 0:
                text += INPUT.format(source=f"pipe{pipeline - 1}.job{job}")
    (folder / "sandbox.yaml").write_text(text)


def write_rows(path: Path, shift: int) -> None:
    """Write a file of numbers."""
    path.write_text("".join(json.dumps({"value": row + shift}) + "\n" for row in range(ROWS)))


def run(folder: Path, *command: str) -> tuple[float, str]:
    """Run the command once; return its wall time in seconds and what it printed."""
    started = time.perf_counter()
    result = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - started, result.stdout


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time a run whose jobs are all cached.")
    parser.add_argument("--pipelines", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=20, help="in each pipeline")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", default="1", help="passed to djsb run")
    parser.add_argument(
        "--profile", type=Path, help="write the profile of an additional run to a file"
    )
    options = parser.parse_args()
    jobs = options.pipelines * options.jobs
    cached, planned = [], []
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_experiment(folder, options.pipelines, options.jobs)
        command = (DJSB, "run", "sandbox.yaml", "--workers", options.workers)
        first, _ = run(folder, *command)
        for _ in range(options.rounds):
            seconds, shown = run(folder, *command)
            if shown.count(" cached ") != jobs:
                raise SystemExit(f"not all {jobs} jobs are cached:\n{shown}")
            cached.append(seconds)
            planned.append(run(folder, *command, "--dry-run")[0])
        if options.profile:
            target = str(options.profile.absolute())
            run(folder, sys.executable, "-m", "cProfile", "-o", target, *command)
    print(
        f"{jobs} cached jobs in {options.pipelines} pipelines: median {median(cached):.2f} s, "
        f"max {max(cached):.2f} s ({options.rounds} rounds; claim: < {CLAIM:g} s); "
        f"planning alone {median(planned):.2f} s, executing them {first:.2f} s"
    )


if __name__ == "__main__":
    main()
