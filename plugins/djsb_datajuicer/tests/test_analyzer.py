"""Measuring a dataset: the numbers of Data-Juicer's own analyzer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from djsb_core.api import Analysis, ComponentError, Kind, Workspace
from djsb_core.testing import ComponentContract, RecordingWatcher
from djsb_datajuicer.analyzer import DataJuicerAnalyzer

if TYPE_CHECKING:
    from pathlib import Path


class TestContract(ComponentContract):
    kind = Kind.DATA_ANALYZER
    name = "data_juicer"

    @pytest.fixture
    def settings(self, make_data: Any) -> dict[str, Any]:
        return {"dataset_path": make_data([{"text": "a"}]), "process": ["text_length_filter"]}


@pytest.fixture
def watcher() -> RecordingWatcher:
    """Hear what the analyzer reports."""
    return RecordingWatcher()


@pytest.fixture
def analyze(tmp_path: Path, watcher: RecordingWatcher) -> Any:
    """Analyze with a recipe."""

    def run(data: Path, process: list[Any], **settings: Any) -> Analysis:
        config = DataJuicerAnalyzer.config_type(dataset_path=data, process=process, **settings)
        return DataJuicerAnalyzer(config, Workspace(tmp_path / "job", watcher)).analyze()

    return run


def same_table(found: Analysis, table: Any) -> None:
    """Compare with Data-Juicer's table, whose columns of texts have no mean."""
    wanted = {
        name: {
            row: value
            for row, value in table[name].dropna().items()
            if row not in ("unique", "top", "freq")
        }
        for name in table.columns
    }
    wanted = {name: rows for name, rows in wanted.items() if "mean" in rows}
    assert {name: set(rows) for name, rows in found.statistics.items()} == {
        name: set(rows) for name, rows in wanted.items()
    }
    for name, rows in wanted.items():
        for row, value in rows.items():
            assert found.statistics[name][row] == pytest.approx(float(value), rel=1e-12), (
                name,
                row,
            )


def test_statistics_are_data_juicers(
    analyze: Any, peer_analyze: Any, data: Path, text_filters: list[Any]
) -> None:
    process = [*text_filters, "whitespace_normalization_mapper", "document_deduplicator"]
    found = analyze(data, process, percentiles=[0.05, 0.95])
    table, folder = peer_analyze(
        data, text_filters, percentiles=[0.05, 0.95], export_original_dataset=True
    )
    same_table(found, table)
    assert "95%" in found.statistics["text_len"]
    for ours, peer in (
        ("analyzed.jsonl", "out.jsonl"),
        ("analyzed_stats.jsonl", "out_stats.jsonl"),
    ):
        assert (found.path.parent / ours).read_bytes() == (folder / peer).read_bytes()


def test_lists_and_texts_among_the_statistics(
    analyze: Any, peer_analyze: Any, make_data: Any, tmp_path: Path
) -> None:
    from PIL import Image

    for width in (5, 9):
        Image.new("RGB", (width, 6)).save(tmp_path / f"{width}.png")
    five, nine = str(tmp_path / "5.png"), str(tmp_path / "9.png")
    rows = [{"text": "a", "images": [five, nine]}, {"text": "bc", "images": [nine]}] * 4
    data = make_data(rows)
    process = ["image_shape_filter", "image_size_filter", {"text_length_filter": {}}]
    found = analyze(data, process)
    table, _ = peer_analyze(
        data, [{name: {}} if isinstance(name, str) else name for name in process]
    )
    same_table(found, table)
    assert found.statistics["image_width"]["count"] == 12


def test_distributions_have_every_value(
    analyze: Any, data: Path, watcher: RecordingWatcher
) -> None:
    found = analyze(data, ["text_length_filter", "alphanumeric_filter"])
    rows = [json.loads(line) for line in found.path.read_text(encoding="utf-8").splitlines()]
    assert {name for name, _, _ in watcher.histograms} == {"text_len", "alnum_ratio"}
    for name, values, step in watcher.histograms:
        assert values == [row["__dj__stats__"][name] for row in rows]
        assert step is None


def test_files_go_where_the_recipe_says(analyze: Any, make_data: Any, tmp_path: Path) -> None:
    data = make_data([{"text": "a"}, {"text": "bc"}])
    wanted = tmp_path / "deep" / "probed.jsonl"
    found = analyze(data, ["text_length_filter"], export_path=wanted)
    assert found.path == tmp_path / "job" / "probed.jsonl"
    assert [path.name for path in wanted.parent.iterdir()] == ["probed_stats.jsonl"]
    analyze(data, ["text_length_filter"], export_path=wanted, export_original_dataset=True)
    assert wanted.read_bytes() == found.path.read_bytes()


def test_without_texts_only_statistics_are_written(analyze: Any, make_data: Any) -> None:
    data = make_data([{"text": "a"}, {"text": "bc"}])
    found = analyze(data, ["text_length_filter"], export_original_dataset=False)
    assert found.path.name == "analyzed_stats.jsonl"
    rows = [json.loads(line) for line in found.path.read_text().splitlines()]
    assert [row["__dj__stats__"]["text_len"] for row in rows] == [1, 2]
    assert not (found.path.parent / "analyzed.jsonl").exists()


def test_one_sample_has_no_spread(analyze: Any, make_data: Any) -> None:
    found = analyze(make_data([{"text": "a"}]), ["text_length_filter"])
    assert "std" not in found.statistics["text_len"]
    assert found.statistics["text_len"]["mean"] == 1.0


def test_a_recipe_that_measures_nothing_is_an_error(analyze: Any, make_data: Any) -> None:
    with pytest.raises(ComponentError, match="no operator that computes statistics"):
        analyze(make_data([{"text": "a"}]), ["clean_ip_mapper"])
