"""Measure the environment of a worker, against that of the version before djsb-core.

Claim: at most half the installed size and half the creation time. Before, an isolated environment
contained everything that djsb itself required, and uv queried the index for all of it; now it
contains what djsb-core requires, from uv's cache. Each round creates both in the same way, with
locks, log and checks, one after the other. Sizes are those of the installed files; the ratio of
the times is the median of the paired rounds.

    python benchmarks/worker_environment.py [--rounds N]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from djsb.config.problems import describe_errors
from djsb_core.discovery import find_component, load_isolation
from djsb_core.folders.files import size_of
from djsb_core.interfaces.environment import Attempt
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.paths import PathContext
from djsb_core.text import size_text
from djsb_environments.kept import Environments
from djsb_environments.venvs import UvEnvironment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from djsb_core.interfaces.environment import Command
    from djsb_core.interfaces.isolation import WantedEnvironment

RATIO = 0.5
BEFORE = (
    "click>=8.1,<9",
    "filelock>=3.25,<5",
    "packaging>=23.2,<30",
    "platformdirs>=4,<5",
    "pluggy>=1.5,<2",
    "pydantic>=2.10,<3",
    "pyyaml>=6,<7",
    "rich>=13,<16",
    "stevedore>=5.3,<6",
    "tabulate>=0.9,<0.11",
)
"""What djsb required before it was split."""


class UvBefore(UvEnvironment):
    """Queries the index for everything, as before."""

    def create(self, folder: Path, requirements: Path, constraints: Path) -> Sequence[Command]:
        """Return uv's two commands alone."""
        commands = super().create(folder, requirements, constraints)
        return [command for command in commands if not isinstance(command, Attempt)]


def current_environment() -> WantedEnvironment:
    """Return the environment of a job with the component ``mse``."""
    infos = [
        find_component(Kind.HOOK, "EvaluateDataHook"),
        find_component(Kind.DATA_EVALUATOR, "mse"),
    ]
    settings = {"env": {"manager": "uv"}}
    wanted = load_isolation().wanted(settings, infos, None, PathContext(), describe_errors)
    if wanted is None:
        raise SystemExit("the settings have no environment")
    return wanted


def create(environment: WantedEnvironment, root: Path) -> tuple[float, Path]:
    """Create an environment; return the seconds and its folder."""
    with Environments(root) as environments:
        started = time.perf_counter()
        interpreter = environments.make(environment)
        seconds = time.perf_counter() - started
    return seconds, interpreter.python.parents[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the environment of a worker.")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    now = current_environment()
    manager = UvBefore(now.environment.config)
    before = replace(now, environment=manager, requirements=BEFORE)
    with TemporaryDirectory() as folder:
        pairs = [
            (create(before, Path(folder, f"before-{i}")), create(now, Path(folder, f"now-{i}")))
            for i in range(rounds + 1)  # the first fills the cache of uv
        ][1:]
        sizes = [size_of(place)[0] for _, place in pairs[-1]]
        counts = [
            len(list(place.glob("lib/python*/site-packages/*.dist-info"))) for _, place in pairs[-1]
        ]
    for i, name in enumerate(("before", "now")):
        seconds = median(pair[i][0] for pair in pairs)
        print(f"{name}: {counts[i]} packages, {size_text(sizes[i])}, created in {seconds:.2f} s")
    ratio = median(new / old for (old, _), (new, _) in pairs)
    print(f"size: {sizes[1] / sizes[0]:.2f} times that before (claim: at most {RATIO})")
    print(f"creation time: {ratio:.2f} times that before (claim: at most {RATIO})")


if __name__ == "__main__":
    main()
