"""Claim: probing, processing and probing again is faster than with Data-Juicer's own API or CLI.

20,000 short documents, six text filters. djsb and Data-Juicer alternate, each in a fresh process
with an empty cache, and must produce the same statistics and keep the same rows. Times are wall
times of the whole process, including imports. Data-Juicer draws plots: install matplotlib first,
or Data-Juicer installs it while being timed.

    python benchmarks/probe_process_probe.py --pairs 3 --cli
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

DOCUMENTS = 20_000
PROCESS = [
    {"text_length_filter": {"min_len": 20, "max_len": 2000}},
    {"alphanumeric_filter": {"min_ratio": 0.6}},
    {"special_characters_filter": {"max_ratio": 0.3}},
    {"character_repetition_filter": {"max_ratio": 0.5}},
    {"words_num_filter": {"min_num": 5}},
    {"average_line_length_filter": {"min_len": 10}},
]
WORDS = ["the", "of", "data", "model", "training", "quick", "language", "corpus", "to", "is", "on"]


def write_documents(path: Path) -> None:
    """Write documents of 1 to 80 words; one in nine repeats itself, some have odd characters."""
    choose = random.Random(7)  # noqa: S311 (the same documents each time)
    with path.open("w", encoding="utf-8") as file:
        for number in range(DOCUMENTS):
            ends = ["", "", "", "", "", "", "", "", "", ".", ",", "!", "\n", "$#"]
            words = [
                choose.choice(WORDS) + choose.choice(ends) for _ in range(choose.randint(1, 80))
            ]
            text = " ".join(words)
            text = text[:20] * 5 if number % 9 == 0 else text
            file.write(json.dumps({"text": text, "id": number}) + "\n")


def run_ours(data: Path, folder: Path) -> None:
    """Probe, process, probe with djsb's components."""
    from djsb_core.api import Workspace
    from djsb_datajuicer.analyzer import DataJuicerAnalyzer
    from djsb_datajuicer.executor import DataJuicerExecutor

    def probe(source: Path, name: str) -> None:
        config = DataJuicerAnalyzer.config_type(
            dataset_path=source, process=PROCESS, export_path=folder / f"{name}.jsonl"
        )
        analysis = DataJuicerAnalyzer(config, Workspace(folder / f"job-{name}")).analyze()
        (folder / f"{name}.json").write_text(json.dumps(analysis.statistics))

    probe(data, "before")
    config = DataJuicerExecutor.config_type(
        dataset_path=data, process=PROCESS, export_path=folder / "kept.jsonl"
    )
    DataJuicerExecutor(config, Workspace(folder / "job-kept")).execute()
    probe(folder / "kept.jsonl", "after")


def run_peer(data: Path, folder: Path) -> None:
    """Probe, process, probe with Data-Juicer's Python API and its defaults."""
    from data_juicer.config import get_init_configs
    from data_juicer.core import Analyzer, DefaultExecutor

    def config(source: Path, name: str) -> object:
        settings = {"dataset_path": str(source), "export_path": str(folder / f"{name}.jsonl")}
        return get_init_configs({**settings, "process": copy.deepcopy(PROCESS)})

    def probe(source: Path, name: str) -> None:
        analyzer = Analyzer(config(source, name))
        analyzer.run()
        (folder / f"{name}.json").write_text(analyzer.overall_result.to_json(double_precision=15))

    probe(data, "before")
    DefaultExecutor(config(data, "kept")).run()
    probe(folder / "kept.jsonl", "after")


def run_cli(data: Path, folder: Path) -> None:
    """Probe, process, probe with ``dj-analyze`` and ``dj-process``."""
    jobs = [("dj-analyze", data, "before"), ("dj-process", data, "kept")]
    jobs.append(("dj-analyze", folder / "kept.jsonl", "after"))
    for command, source, name in jobs:
        recipe = folder / f"{name}-recipe.json"
        settings = {"dataset_path": str(source), "export_path": str(folder / f"{name}.jsonl")}
        recipe.write_text(json.dumps({**settings, "process": PROCESS}))
        program = Path(sys.executable).with_name(command)
        subprocess.run([program, "--config", recipe], check=True, cwd=folder)


SIDES = {"ours": run_ours, "peer": run_peer, "cli": run_cli}


def time_side(side: str, data: Path, folder: Path) -> float:
    """Run one side in a fresh process with an empty cache, and return its seconds."""
    folder.mkdir()
    environment = {**os.environ, "HF_HOME": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, "--side", side, "--data", data, "--folder", folder]
    with (folder / "log.txt").open("w") as log:
        start = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stdout=log, stderr=log, cwd=folder)
    return time.perf_counter() - start


def check_same(ours: Path, peer: Path) -> int:
    """Compare the kept rows and the statistics of two runs, and return the number of rows."""
    import numpy as np

    if (ours / "kept.jsonl").read_bytes() != (peer / "kept.jsonl").read_bytes():
        raise SystemExit("the kept rows differ")
    for name in ("before", "after"):
        ours_statistics, peer_statistics = (
            json.loads((folder / f"{name}.json").read_text()) for folder in (ours, peer)
        )
        pairs = [
            (ours_statistics[stat][row], peer_statistics[stat][row])
            for stat in peer_statistics
            for row in peer_statistics[stat]
        ]
        if set(ours_statistics) != set(peer_statistics) or not np.allclose(
            *zip(*pairs, strict=True), rtol=1e-9
        ):
            raise SystemExit(f"the statistics differ: {name}")
    return sum(1 for _ in (ours / "kept.jsonl").open())


def compare(pairs: int, *, cli: bool) -> None:
    """Run the sides alternately and print the ratios."""
    sides = ["ours", "peer", "cli"] if cli else ["ours", "peer"]
    ratios: dict[str, list[float]] = {side: [] for side in sides[1:]}
    with TemporaryDirectory() as scratch:
        data = Path(scratch) / "documents.jsonl"
        write_documents(data)
        for number in range(pairs):
            seconds = {}
            for side in sides if number % 2 == 0 else sides[::-1]:
                seconds[side] = time_side(side, data, Path(scratch) / f"{number}-{side}")
            rows = check_same(Path(scratch) / f"{number}-ours", Path(scratch) / f"{number}-peer")
            times = ", ".join(f"{side} {seconds[side]:.1f} s" for side in sides)
            print(f"pair {number + 1}: {times}; same statistics, same {rows} rows", flush=True)
            for side, side_ratios in ratios.items():
                side_ratios.append(seconds["ours"] / seconds[side])
    for side, bound in (("peer", 0.25), ("cli", 0.5)):
        if side in ratios:
            print(f"ours / {side}: median {median(ratios[side]):.2f} (claim: at most {bound})")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3, help="how often each side runs")
    parser.add_argument("--cli", action="store_true", help="time dj-analyze and dj-process too")
    for name in ("--side", "--data", "--folder"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        SIDES[options.side](Path(options.data), Path(options.folder))
        return
    if find_spec("matplotlib") is None:
        raise SystemExit("Data-Juicer draws plots; first run: pip install matplotlib")
    compare(options.pairs, cli=options.cli)


if __name__ == "__main__":
    main()
