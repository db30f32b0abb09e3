"""Time djsb against an earlier version of itself, command by command, alternating.

Claims, relative to the last single-package version: ``djsb --help`` and ``list-components`` at most
1.0 times, a run of 200 cached jobs and the planning of 1,000 jobs at most 0.7 times. The other
version is installed in its own environment, from a checkout of that commit:

    git worktree add ../before 1db8d64 && make -C ../before .venv/run.stamp
    python benchmarks/before_after.py ../before/.venv/bin [--pairs N]

Prints the median of the paired ratios.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cached_run import run, write_experiment
from plan import experiment

HERE = Path(sys.executable).parent
PLAN = """
import time
from pathlib import Path
try:
    from djsb.config.reader import read_experiment
    from djsb.planner.plan import plan
except ModuleNotFoundError:  # the version with a single package
    from djsb_core.config.reader import read_experiment
    from djsb_core.runner.plan import plan

started = time.perf_counter()
plan(read_experiment(Path("experiment.yaml")))
print(time.perf_counter() - started)
"""
CLAIMS = {
    "djsb --help": 1.0,
    "djsb list-components": 1.0,
    "djsb run, 200 cached jobs": 0.7,
    "planning 1,000 jobs": 0.7,
}


def seconds(what: str, programs: Path, folder: Path) -> float:
    """Run one of the claimed commands once, with the version in a folder of programs."""
    djsb = str(programs / "djsb")
    if what == "planning 1,000 jobs":
        return float(run(folder, str(programs / "python"), "-c", PLAN)[1])
    if what == "djsb run, 200 cached jobs":
        own = folder / ("now" if programs == HERE else "before")  # each has its own cache
        return run(own, djsb, "run", "sandbox.yaml")[0]
    return run(folder, *what.replace("djsb", djsb, 1).split())[0]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time djsb against an earlier version of itself.")
    parser.add_argument("before", type=Path, help="folder with `python` and `djsb` of that version")
    parser.add_argument("--pairs", type=int, default=9)
    options = parser.parse_args()
    before = options.before.absolute()
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "experiment.yaml").write_text(experiment(50, 20))
        (folder / "data.jsonl").write_text('{"predicted": 1, "truth": 2}\n')
        for place in (folder / "before", folder / "now"):
            place.mkdir()
            write_experiment(place, 10, 20)
        for what, claim in CLAIMS.items():
            for programs in (before, HERE):  # warm the disk cache; fill djsb's cache
                seconds(what, programs, folder)
            ratios = [
                seconds(what, HERE, folder) / seconds(what, before, folder)
                for _ in range(options.pairs)
            ]
            print(
                f"{what}: now / before, median {median(ratios):.2f} "
                f"(min {min(ratios):.2f}, max {max(ratios):.2f}, {options.pairs} pairs; "
                f"claim: <= {claim})",
                flush=True,
            )


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error}\n{error.stderr}")
