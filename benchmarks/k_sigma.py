"""Claim: refining a recipe of 20 operators takes under 2 s, and a fraction of Data-Juicer's time.

Both get the same recipe and the same statistics. Data-Juicer's ``modify_recipe_k_sigma`` runs an
analysis to find which statistics an operator writes; djsb reads them from the source code. Only the
call is timed: Data-Juicer is already imported, and djsb has no source parsed yet.

    python benchmarks/k_sigma.py --pairs 3
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

OPERATORS = [
    ("text_length_filter", "min_len", "max_len", 10, 5000),
    ("alphanumeric_filter", "min_ratio", "max_ratio", 0.1, 0.9),
    ("special_characters_filter", "min_ratio", "max_ratio", 0.1, 0.9),
    ("character_repetition_filter", "min_ratio", "max_ratio", 0.1, 0.9),
    ("word_repetition_filter", "min_ratio", "max_ratio", 0.1, 0.9),
    ("words_num_filter", "min_num", "max_num", 5, 900),
    ("average_line_length_filter", "min_len", "max_len", 10, 900),
    ("maximum_line_length_filter", "min_len", "max_len", 10, 900),
    ("clean_links_mapper", None, None, None, None),
    ("whitespace_normalization_mapper", None, None, None, None),
]
STATISTICS = {
    "text_len": (199.0, 120.7),
    "alnum_ratio": (0.79, 0.03),
    "special_char_ratio": (0.21, 0.03),
    "char_rep_ratio": (0.05, 0.06),
    "word_rep_ratio": (0.02, 0.05),
    "num_words": (36.9, 23.1),
    "avg_line_length": (141.0, 99.0),
    "max_line_length": (171.0, 120.0),
}


def recipe(data: Path, folder: Path) -> dict[str, object]:
    """Build a recipe of 20 operators: ten kinds, each twice."""
    steps = []
    for name, low, high, least, most in OPERATORS * 2:
        steps.append({name: {low: least, high: most} if low else {}})
    export = str(folder / "out.jsonl")
    return {"dataset_path": str(data), "export_path": export, "process": steps}


def run_ours(data: Path, folder: Path) -> float:
    """Refine with the ``k_sigma`` refiner."""
    from djsb_datajuicer.k_sigma import KSigmaRefiner

    statistics = {
        name: {"mean": mean, "std": std, "min": 0.0, "max": mean + 9 * std}
        for name, (mean, std) in STATISTICS.items()
    }
    settings = recipe(data, folder)
    start = time.perf_counter()
    KSigmaRefiner(KSigmaRefiner.config_type()).refine(settings, statistics)
    return time.perf_counter() - start


def run_peer(data: Path, folder: Path) -> float:
    """Refine with Data-Juicer's own function."""
    import pandas as pd
    from data_juicer.config import init_configs
    from data_juicer.tools.hpo.execute_hpo_3sigma import modify_recipe_k_sigma

    table = pd.DataFrame(STATISTICS, index=["mean", "std"])
    # From a file that persists: the function reads the config file again.
    path = folder / "recipe.json"
    path.write_text(json.dumps(recipe(data, folder)))
    config = init_configs(["--config", str(path)], load_configs_only=True)
    start = time.perf_counter()
    modify_recipe_k_sigma(config, table, str(folder / "refined.yaml"))
    return time.perf_counter() - start


SIDES = {"ours": run_ours, "peer": run_peer}


def time_side(side: str, folder: Path) -> float:
    """Run one side in a fresh process, and return the seconds that it reports."""
    folder.mkdir()
    data = folder / "data.jsonl"
    data.write_text(json.dumps({"text": "One line of text, and a second one.\nHere it is."}) + "\n")
    environment = {**os.environ, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, "--side", side, "--data", data, "--folder", folder]
    with (folder / "log.txt").open("w") as log:
        subprocess.run(command, check=True, env=environment, stdout=log, stderr=log, cwd=folder)
    return float((folder / "seconds.txt").read_text())


def main() -> None:
    """Parse the command line, and run the sides alternately."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3, help="how often each side runs")
    for name in ("--side", "--data", "--folder"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        folder = Path(options.folder)
        (folder / "seconds.txt").write_text(str(SIDES[options.side](Path(options.data), folder)))
        return
    ratios, ours = [], []
    with TemporaryDirectory() as scratch:
        for number in range(options.pairs):
            seconds = {side: time_side(side, Path(scratch) / f"{number}-{side}") for side in SIDES}
            print(f"pair {number + 1}: ours {seconds['ours']:.3f} s, peer {seconds['peer']:.1f} s")
            ratios.append(seconds["ours"] / seconds["peer"])
            ours.append(seconds["ours"])
    print(f"ours: median {median(ours):.3f} s (claim: under 2 s)")
    print(f"ours / peer: median {median(ratios):.4f}")


if __name__ == "__main__":
    main()
