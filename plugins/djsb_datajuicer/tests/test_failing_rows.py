"""Only the rows on which an operator fails are lost, and these are counted and named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from djsb_core.api import ComponentError, DropReason, DropStep, Workspace
from djsb_core.testing import RecordingWatcher
from djsb_datajuicer.analyzer import DataJuicerAnalyzer
from djsb_datajuicer.executor import DataJuicerExecutor
from djsb_datajuicer.failures import RowFailedError, is_a

if TYPE_CHECKING:
    from pathlib import Path

BAD = {"text": 5, "id": -1, "meta": {"source": "bad"}}
PLACE = 700
"""Row of the bad one: in the middle of a batch."""

RECIPES: dict[str, list[dict[str, Any]]] = {
    "filters in one pass": [
        {"text_length_filter": {"min_len": 20}},
        {"special_characters_filter": {"max_ratio": 0.3}},
        {"words_num_filter": {"min_num": 5}},
    ],
    "mapper for single rows": [
        {"whitespace_normalization_mapper": {}},
        {"text_length_filter": {"min_len": 60}},
    ],
    "mapper that multiplies rows": [
        {"text_chunk_mapper": {"max_len": 50, "split_pattern": None}},
        {"text_length_filter": {"min_len": 30}},
    ],
    "deduplicator": [{"document_deduplicator": {}}, {"text_length_filter": {"min_len": 60}}],
    "near duplicates": [{"document_minhash_deduplicator": {"jaccard_threshold": 0.5}}],
    "filter that runs alone": [
        {"text_length_filter": {"min_len": 20}},
        {"general_field_filter": {"filter_condition": "id < 900"}},
        {"alphanumeric_filter": {"min_ratio": 0.6}},
    ],
}


@pytest.fixture
def execute(tmp_path: Path) -> Any:
    """Run a recipe; returns the folder of the result and the watcher."""

    def run(data: Path, process: list[Any], **settings: Any) -> tuple[Path, RecordingWatcher]:
        folder = tmp_path / "job"
        folder.mkdir(exist_ok=True)
        config = DataJuicerExecutor.config_type(
            dataset_path=data, process=process, export_path=tmp_path / "out.jsonl", **settings
        )
        watcher = RecordingWatcher()
        DataJuicerExecutor(config, Workspace(folder, watcher)).execute()
        return tmp_path, watcher

    return run


def metrics_of(watcher: RecordingWatcher) -> dict[str, float]:
    metrics: dict[str, float] = {}
    for _, values, _ in watcher.metrics:
        assert isinstance(values, dict)
        metrics |= values
    return metrics


def failures(watcher: RecordingWatcher) -> list[DropStep]:
    return [
        step
        for dropped in watcher.dropped
        for step in dropped.steps
        if step.reason is DropReason.FAILED
    ]


@pytest.fixture
def bad_data(data: Path, make_data: Any) -> Any:
    """The documents with one row, in the middle of a batch, that operators fail on."""
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    return make_data([*rows[:PLACE], BAD, *rows[PLACE:]])


@pytest.mark.parametrize("name", RECIPES)
def test_the_other_rows_are_as_without_the_failing_one(
    execute: Any, peer_execute: Any, data: Path, bad_data: Path, name: str
) -> None:
    peer = peer_execute(data, RECIPES[name], np=1)
    for processes in (1, 2):
        folder, watcher = execute(bad_data, RECIPES[name], np=processes)
        for file in ("out.jsonl", "out_stats.jsonl"):
            ours = folder / file
            assert ours.exists() == (peer / file).exists()
            assert not ours.exists() or ours.read_bytes() == (peer / file).read_bytes(), file
        assert metrics_of(watcher)["rows_failed"] == 1
        (step,) = failures(watcher)
        assert list(step.rows) == [PLACE]
        assert "int" in step.errors[0]


def test_the_analyzer_measures_the_other_rows(
    peer_analyze: Any, data: Path, bad_data: Path, tmp_path: Path
) -> None:
    process = RECIPES["filters in one pass"]
    config = DataJuicerAnalyzer.config_type(
        dataset_path=bad_data, process=process, export_path=tmp_path / "out.jsonl"
    )
    watcher = RecordingWatcher()
    analysis = DataJuicerAnalyzer(config, Workspace(tmp_path / "job", watcher)).analyze()
    table, peer = peer_analyze(data, process)
    stats = "out_stats.jsonl"
    assert (tmp_path / stats).read_bytes() == (peer / stats).read_bytes()
    for name, summary in analysis.statistics.items():
        assert summary["mean"] == table[name]["mean"]
    assert metrics_of(watcher)["rows_failed"] == 1
    assert [list(step.rows) for step in failures(watcher)] == [[PLACE]]


def test_too_many_failing_rows_fail_the_job(execute: Any, make_data: Any) -> None:
    rows = [{"text": "long enough" if number % 4 else number} for number in range(100)]
    data = make_data(rows)
    with pytest.raises(ComponentError) as caught:
        execute(data, ["text_length_filter"])
    said = str(caught.value)
    assert said.startswith("text_length_filter fails on ")
    assert f"of 100 rows: {data}, row 1: TypeError: object of type 'int' has no len()" in said
    assert "max_failed_share" in said
    assert "\n" not in said
    _, watcher = execute(data, ["text_length_filter"], max_failed_share=0.25)
    assert metrics_of(watcher)["rows_failed"] == 25


@pytest.mark.parametrize("name", ["filters in one pass", "mapper for single rows"])
def test_recipes_that_tolerate_nothing_name_the_row(
    execute: Any, bad_data: Path, name: str
) -> None:
    with pytest.raises(ComponentError, match=f"fails .*{bad_data}, row {PLACE + 1}"):
        execute(bad_data, RECIPES[name], skip_op_error=False)


def test_rows_without_a_text_are_counted(execute: Any, make_data: Any) -> None:
    rows = [{"text": "long enough"}, {"text": None}, {"text": "also long"}, {"text": None}]
    _, watcher = execute(make_data(rows), [{"text_length_filter": {"min_len": 10}}])
    metrics = metrics_of(watcher)
    assert (metrics["rows_in"], metrics["rows_without_text"]) == (2, 2)
    (dropped,) = watcher.dropped
    assert [(step.reason, list(step.rows)) for step in dropped.steps] == [
        (DropReason.UNREADABLE, [1, 3]),
        (DropReason.FILTERED, [2]),
    ]


def test_nothing_is_reported_if_nothing_is_lost(execute: Any, make_data: Any) -> None:
    data = make_data([{"text": "long enough"}])
    _, watcher = execute(data, ["text_length_filter"], max_failed_share=0)
    assert set(metrics_of(watcher)) == {
        "rows_in",
        "rows_kept",
        "kept_ratio",
        "after.text_length_filter",
    }
    assert not watcher.dropped


def test_an_error_of_a_worker_may_have_a_copy_of_the_class() -> None:
    copied = type("RowFailedError", (Exception,), {})
    assert is_a(copied(), RowFailedError)
    assert not is_a(ValueError(), RowFailedError)
