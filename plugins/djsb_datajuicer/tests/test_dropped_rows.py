"""Which rows an operator removed: the same as Data-Juicer's own tracer says."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from djsb_core.api import BoundSide, DropReason, StepBound, Workspace
from djsb_core.testing import RecordingWatcher
from djsb_datajuicer.executor import DataJuicerExecutor

if TYPE_CHECKING:
    from pathlib import Path

    from djsb_core.api import DroppedRows

CHAIN: list[dict[str, Any]] = [
    {"text_length_filter": {"min_len": 20, "max_len": 300}},
    {"special_characters_filter": {"max_ratio": 0.3}},
    {"whitespace_normalization_mapper": {}},
    {"suffix_filter": {"suffixes": [".jsonl"]}},
    {"general_field_filter": {"filter_condition": "id < 1100"}},
    {"words_num_filter": {"min_num": 5}},
]


@pytest.fixture
def drop(tmp_path: Path) -> Any:
    """Run a recipe; returns the report of dropped rows and the rows that are left."""

    def run(process: list[Any], **settings: Any) -> tuple[DroppedRows, list[dict[str, Any]]]:
        folder = tmp_path / "job"
        folder.mkdir(exist_ok=True)
        config = DataJuicerExecutor.config_type(
            process=process, export_path=tmp_path / "out.jsonl", **settings
        )
        watcher = RecordingWatcher()
        path = DataJuicerExecutor(config, Workspace(folder, watcher)).execute()
        (dropped,) = watcher.dropped
        assert not isinstance(path, list)
        return dropped, rows_of(path)  # type: ignore[arg-type]

    return run


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def traced(folder: Path, operator: str) -> list[int]:
    """Return the ids of the rows that Data-Juicer's tracer saw an operator drop."""
    (path,) = folder.rglob(f"sample_trace-{operator}.jsonl")
    return sorted(row["id"] for row in rows_of(path))


@pytest.mark.parametrize("processes", [1, 2])
def test_filters_drop_what_the_tracer_of_data_juicer_sees(
    drop: Any, peer_execute: Any, data: Path, processes: int
) -> None:
    dropped, left = drop(CHAIN, dataset_path=data, np=processes, strict_preflight=False)
    peer = peer_execute(
        data, CHAIN, np=1, open_tracer=True, trace_num=10**6, strict_preflight=False
    )
    assert [row["id"] for row in left] == [row["id"] for row in rows_of(peer / "out.jsonl")]
    steps = {step.name: step for step in dropped.steps}
    # In the data, a row's id is its number. The tracer sees no drop by a condition on a field.
    assert all(row >= 1100 for row in steps.pop("general_field_filter").rows)
    assert set(steps) == {"text_length_filter", "special_characters_filter", "words_num_filter"}
    for name, step in steps.items():
        assert sorted(step.rows) == traced(peer, name), name
    length = steps["text_length_filter"]
    assert list(length.bounds) == [
        StepBound("min_len", 20, BoundSide.LOWER),
        StepBound("max_len", 300, BoundSide.UPPER),
    ]
    texts = [row["text"] for row in rows_of(data)]
    assert length.values == {"text_len": [len(texts[row]) for row in length.rows]}


def test_rows_are_those_of_the_input_after_they_were_multiplied(drop: Any, make_data: Any) -> None:
    rows = [{"text": f"{number:04}" + "x" * (number % 97)} for number in range(300)]
    process = [
        {"text_length_filter": {"min_len": 8}},
        {"text_chunk_mapper": {"max_len": 40, "split_pattern": None}},
        {"average_line_length_filter": {"min_len": 10}},
    ]
    dropped, left = drop(process, dataset_path=make_data(rows), np=2)
    expected: dict[str, Counter[int]] = {"first": Counter(), "second": Counter()}
    kept = []
    for number, row in enumerate(rows):
        text = row["text"]
        if len(text) < 8:
            expected["first"][number] += 1
            continue
        for start in range(0, len(text) if len(text) > 40 else 1, 40):
            chunk = text[start : start + 40] if len(text) > 40 else text
            if len(chunk) < 10:
                expected["second"][number] += 1
            else:
                kept.append(chunk)
    assert [row["text"] for row in left] == kept
    names = ["text_length_filter", "average_line_length_filter"]
    assert [step.name for step in dropped.steps] == names
    for step, counts in zip(dropped.steps, expected.values(), strict=True):
        assert Counter(step.rows) == counts


def test_duplicates_name_their_partner(drop: Any, peer_execute: Any, make_data: Any) -> None:
    rows = [{"text": f"text {number % 40}", "id": number} for number in range(100)]
    process = [
        {"text_length_filter": {"min_len": 7}},
        {"document_deduplicator": {}},
    ]
    data = make_data(rows)
    dropped, left = drop(process, dataset_path=data, np=1)
    assert left == rows_of(peer_execute(data, process, np=1) / "out.jsonl")
    (step,) = (step for step in dropped.steps if step.reason is DropReason.DUPLICATE)
    assert len(step.rows) == 40
    assert all(partner == row % 40 for row, partner in zip(step.rows, step.partners, strict=True))


def test_near_duplicates_name_their_partner(drop: Any, make_data: Any) -> None:
    words = " ".join(f"word{number}" for number in range(200))
    rows = [{"text": f"{words} {number}"} for number in range(3)]
    rows.insert(0, {"text": "something else entirely " * 9})
    dropped, left = drop([{"document_minhash_deduplicator": {}}], dataset_path=make_data(rows))
    assert len(left) == 2
    (step,) = dropped.steps
    assert (list(step.rows), list(step.partners)) == ([2, 3], [1, 1])


def test_files_of_a_folder_are_told_apart(drop: Any, make_data: Any, tmp_path: Path) -> None:
    for name in ("b", "a"):
        rows = [{"text": f"{name}{'x' * number}", "name": name} for number in range(6)]
        rows[2]["text"] = None  # type: ignore[assignment]
        make_data(rows, f"data/{name}.jsonl")
    dropped, left = drop([{"text_length_filter": {"min_len": 3}}], dataset_path=tmp_path / "data")
    order = [row["name"] for row in left]
    files = [path for path, _ in dropped.files]
    assert [path.rpartition("/")[2][0] for path in files] == list(dict.fromkeys(order))
    assert [count for _, count in dropped.files] == [6, 6]
    textless, short = dropped.steps
    assert textless.reason is DropReason.UNREADABLE
    assert list(textless.rows) == [2, 8]
    assert list(short.rows) == [0, 1, 6, 7]


def test_rows_drawn_from_several_sources(drop: Any, make_data: Any) -> None:
    parts = [
        make_data([{"text": f"{name} {number}"} for number in range(40)], f"{name}.jsonl")
        for name in ("one", "two")
    ]
    dataset = {
        "configs": [{"type": "local", "path": str(part), "weight": 1} for part in parts],
        "max_sample_num": 30,
    }
    dropped, left = drop([{"text_length_filter": {"min_len": 6}}], dataset=dataset)
    (step,) = dropped.steps
    assert len(left) + len(step.rows) == 30
    texts = [f"{name} {number}" for name in ("one", "two") for number in range(40)]
    assert all(len(texts[row]) < 6 for row in step.rows)
    assert len(set(step.rows)) == len(step.rows)


def test_selectors_say_which_rows_they_leave(drop: Any, make_data: Any) -> None:
    rows = [{"text": "x" * 20, "score": number} for number in range(50)]
    process = [
        {"text_length_filter": {"min_len": 5}},
        {"topk_specified_field_selector": {"field_key": "score", "topk": 10}},
        {"general_field_filter": {"filter_condition": "score != 45"}},
    ]
    dropped, left = drop(process, dataset_path=make_data(rows), np=1)
    assert {row["score"] for row in left} == {*range(40, 50)} - {45}
    assert [sorted(step.rows) for step in dropped.steps] == [list(range(40)), [45]]


def test_parquet_and_csv_files(drop: Any, tmp_path: Path) -> None:
    import pandas as pd

    table = pd.DataFrame({"text": ["long enough", "x", "also long"]})
    table.to_parquet(tmp_path / "rows.parquet")
    table.to_csv(tmp_path / "rows.csv", index=False)
    for name in ("rows.parquet", "rows.csv"):
        process = [{"text_length_filter": {"min_len": 5}}]
        dropped, _ = drop(process, dataset_path=tmp_path / name)
        assert list(dropped.files) == [(str(tmp_path / name), 3)]
        assert list(dropped.steps[0].rows) == [1]


def test_lines_that_a_lenient_loader_skips_are_counted(drop: Any, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "long enough"}\n{"text": \n{"text": "x"}\n')
    process = [{"text_length_filter": {"min_len": 5}}]
    dropped, left = drop(process, dataset_path=path, load_jsonl_lenient=True)
    assert len(left) == 1
    assert [(step.reason, len(step.rows)) for step in dropped.steps] == [
        (DropReason.UNREADABLE, 1),
        (DropReason.FILTERED, 1),
    ]
