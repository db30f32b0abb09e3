"""Time runs of one small job in one session, against as many ``djsb run`` commands.

Claim: at least 10 x faster. Each run has a different setting, so none is cached: the job (an
``mse`` evaluation of two small files) is executed in a worker process and recorded, on both sides
in the same way. Both sides do the same runs, alternating in blocks of ``--block``, in their own
work_dirs; the session's time includes its start (with all imports) and its end. Prints the ratio of
the sums, and the median and minimum ratio of the blocks. No plugin is needed.

    python benchmarks/session_runs.py [--runs N] [--block N]
    python benchmarks/session_runs.py --profile session.prof
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import djsb

CLAIM = 10.0
ROWS = 20
DJSB = ("/usr/bin/env", sys.executable, "-c", "from djsb.cli import main; main()")
KEY = "evaluation_job_configs.0.extra_configs.predicted_value_key"
EXPERIMENT = """\
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: eval
  extra_configs:
    type: mse
    predicted_dataset_path: predicted.jsonl
    ground_truth_dataset_path: truth.jsonl
    predicted_value_key: value0
    ground_truth_value_key: value
"""


def write_experiment(folder: Path, runs: int) -> None:
    """Write an experiment, and a file with a column for each run."""
    (folder / "sandbox.yaml").write_text(EXPERIMENT)
    write_rows(folder / "truth.jsonl", ["value"])
    write_rows(folder / "predicted.jsonl", [f"value{run}" for run in range(runs)])


def write_rows(path: Path, columns: list[str]) -> None:
    """Write a file of numbers."""
    rows = ({column: row + i for i, column in enumerate(columns)} for row in range(ROWS))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def by_commands(runs: range) -> float:
    """Start a command for each run; return their total time in seconds."""
    started = time.perf_counter()
    for run in runs:
        overrides = ("--set", f"{KEY}=value{run}", "--set", "work_dir=commands")
        subprocess.run((*DJSB, "run", "sandbox.yaml", *overrides), check=True, capture_output=True)
    return time.perf_counter() - started


def by_session(runs: range, session: djsb.Session) -> float:
    """Do the runs in a session; return their total time in seconds."""
    started = time.perf_counter()
    for run in runs:
        overrides = {KEY: f"value{run}", "work_dir": "session"}
        djsb.run("sandbox.yaml", overrides, session=session)
    return time.perf_counter() - started


def compare(count: int, block: int) -> list[tuple[float, float]]:
    """Do all runs on both sides, alternating; return the seconds of each block on either side."""
    pairs = []
    with djsb.Session() as session:  # its process starts with the first run
        for start in range(0, count, block):
            runs = range(start, min(start + block, count))
            pairs.append((by_commands(runs), by_session(runs, session)))
        started = time.perf_counter()
        session.close()
        closing = time.perf_counter() - started
    commands, seconds = pairs[-1]
    return [*pairs[:-1], (commands, seconds + closing)]


def check(work_dir: str, runs: int) -> None:
    """Check that both sides did the same: every run is recorded and executed its job."""
    recorded = djsb.runs(work_dir)
    if len(recorded) != runs or set(recorded["status"]) != {"finished"}:
        raise SystemExit(f"{work_dir}: not all {runs} runs are recorded and finished")
    statuses = {djsb.open_run(run, work_dir).jobs["status"].item() for run in recorded["id"]}
    if statuses != {"finished"}:
        raise SystemExit(f"{work_dir}: jobs were reused")
    if recorded["eval.mse.0"].nunique() != runs:
        raise SystemExit(f"{work_dir}: runs with different settings have the same result")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time runs in a session, against commands.")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--block", type=int, default=10, help="runs of one side in a row")
    parser.add_argument("--profile", type=Path, help="profile the session instead, into a file")
    options = parser.parse_args()
    profile = None if options.profile is None else options.profile.absolute()
    with TemporaryDirectory() as name:
        os.chdir(name)
        write_experiment(Path(name), options.runs)
        if profile is not None:
            with cProfile.Profile() as profiler, djsb.Session() as session:
                by_session(range(options.runs), session)
            profiler.dump_stats(profile)
            return
        pairs = compare(options.runs, options.block)
        check("commands", options.runs)
        check("session", options.runs)
    commands, session_seconds = (sum(side) for side in zip(*pairs, strict=True))
    ratios = [by_command / in_session for by_command, in_session in pairs]
    print(
        f"{options.runs} runs of one small job, none cached: {commands:.1f} s by commands, "
        f"{session_seconds:.2f} s in one session "
        f"({1000 * session_seconds / options.runs:.0f} ms per run): "
        f"{commands / session_seconds:.1f} x faster (claim: {CLAIM:g} x); by blocks of "
        f"{options.block}: median {median(ratios):.1f} x, minimum {min(ratios):.1f} x"
    )


if __name__ == "__main__":
    main()
