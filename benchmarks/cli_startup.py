"""Time ``djsb --help`` and ``djsb list-components`` against ``python -c "import click"``.

Claim: at most 3 and 6 times as long. Alternates the commands and prints the median paired ratios.

    python benchmarks/cli_startup.py [--pairs N]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

DJSB = str(Path(sys.executable).with_name("djsb"))
BASE = [sys.executable, "-c", "import click"]
CLAIMS = {"--help": 3.0, "list-components": 6.0}


def seconds(command: list[str]) -> float:
    """Run a command once and return its wall time."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Time the start of djsb.")
    parser.add_argument("--pairs", type=int, default=15)
    pairs = parser.parse_args().pairs
    for argument, claim in CLAIMS.items():
        command = [DJSB, argument]
        seconds(command), seconds(BASE)  # warm the disk cache
        ratios = [seconds(command) / seconds(BASE) for _ in range(pairs)]
        print(
            f"djsb {argument} / import click: median {median(ratios):.2f} "
            f"(min {min(ratios):.2f}, max {max(ratios):.2f}, {pairs} pairs; claim: <= {claim})"
        )


if __name__ == "__main__":
    main()
