"""Datasets, and Data-Juicer's own results to compare with."""

from __future__ import annotations

import copy
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WORDS = ["the", "data", "model", "quick", "language", "to", "is", "on", "über", "naïve", "数据"]
TEXT_FILTERS: list[dict[str, Any]] = [
    {"text_length_filter": {"min_len": 20, "max_len": 2000}},
    {"alphanumeric_filter": {"min_ratio": 0.6}},
    {"special_characters_filter": {"max_ratio": 0.3}},
    {"character_repetition_filter": {"rep_len": 5, "max_ratio": 0.5}},
    {"word_repetition_filter": {"rep_len": 3, "max_ratio": 0.5}},
    {"words_num_filter": {"min_num": 5}},
    {"average_line_length_filter": {"min_len": 10}},
    {"maximum_line_length_filter": {"min_len": 10}},
]


def documents(count: int, seed: int) -> list[dict[str, Any]]:
    """Make documents of many kinds; values at the filters' bounds among them."""
    choose = random.Random(seed)  # noqa: S311 (the same each time)
    rows = []
    for number in range(count):
        ends = ["", "", "", "", ".", "\n", "$#", "!"]
        words = [choose.choice(WORDS) + choose.choice(ends) for _ in range(choose.randint(1, 60))]
        text = " ".join(words)
        if number % 7 == 0:
            text = text[:20] * 5
        if number % 10 == 0:
            # Exactly three of ten characters are special: the value that JSON text makes 0.30…04.
            text = "abcdefg$#!" * 4
        rows.append({"text": text, "id": number, "meta": {"source": f"part-{number % 3}"}})
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def text_filters() -> list[dict[str, Any]]:
    """Every text filter that needs no download."""
    return copy.deepcopy(TEXT_FILTERS)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,200 documents: enough for several batches and worker processes."""
    return write(tmp_path_factory.mktemp("data") / "documents.jsonl", documents(1200, seed=3))


@pytest.fixture
def make_data(tmp_path: Path) -> Any:
    """Write rows to a JSON Lines file."""
    return lambda rows, name="rows.jsonl": write(tmp_path / name, rows)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Keep what ``datasets`` caches out of the home directory."""
    import datasets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        yield


def peer_config(data: Path, folder: Path, process: list[dict[str, Any]], **settings: Any) -> Any:
    from data_juicer.config import get_init_configs

    base = {"dataset_path": str(data), "export_path": str(folder / "out.jsonl")}
    return get_init_configs({**base, "process": copy.deepcopy(process), **settings})


@pytest.fixture(scope="session")
def peer_execute(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run a recipe with Data-Juicer alone; returns the folder with ``out.jsonl``."""

    def execute(data: Path, process: list[dict[str, Any]], **settings: Any) -> Path:
        from data_juicer.core import DefaultExecutor

        folder = tmp_path_factory.mktemp("peer")
        DefaultExecutor(peer_config(data, folder, process, **settings)).run()
        return folder

    return execute


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep Data-Juicer's analyzer from drawing, for which it would install matplotlib."""
    import data_juicer.core.analyzer as peer

    class NoPlots:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def analyze(self, **_: Any) -> None:
            pass

    monkeypatch.setattr(peer, "ColumnWiseAnalysis", NoPlots)
    monkeypatch.setattr(peer, "CorrelationAnalysis", NoPlots)


@pytest.fixture
def peer_analyze(tmp_path_factory: pytest.TempPathFactory, no_plots: None) -> Any:
    """Analyze with Data-Juicer alone; returns its table and its folder."""

    def analyze(data: Path, process: list[dict[str, Any]], **settings: Any) -> tuple[Any, Path]:
        from data_juicer.core import Analyzer

        folder = tmp_path_factory.mktemp("peer")
        analyzer = Analyzer(peer_config(data, folder, process, **settings))
        analyzer.run()
        return analyzer.overall_result, folder

    return analyze
