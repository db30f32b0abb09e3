"""The report of dropped rows: written, and read back step by step."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from djsb_core.errors import ComponentError
from djsb_core.interfaces.bounds import BoundSide
from djsb_core.interfaces.dropped import (
    BLOCK,
    DroppedRows,
    DropReason,
    DropStep,
    StepBound,
    read_dropped,
    write_dropped,
)
from djsb_core.job.reports import ArtifactKind
from djsb_core.job.watcher import JobWatcher

BOUNDS = [StepBound("min_len", 5.0, BoundSide.LOWER), StepBound("max_len", 9.0, BoundSide.UPPER)]


@given(
    st.lists(
        st.tuples(st.text(max_size=8), st.sampled_from(DropReason), st.lists(st.integers(-1, 99))),
        max_size=4,
    ),
    st.lists(st.tuples(st.text(max_size=8), st.integers(0, 50)), max_size=3),
)
def test_what_is_written_is_read(tmp_path_factory, steps, files):
    path = tmp_path_factory.mktemp("job") / "dropped.jsonl"
    steps = [
        DropStep(name, reason, rows, values={"n": [float(row) for row in rows]})
        for name, reason, rows in steps
    ]
    write_dropped(path, DroppedRows(files, steps))
    log = read_dropped(path)
    assert list(log.files) == files
    assert [(step.name, step.reason, step.count) for step in log.steps] == [
        (step.name, step.reason, len(step.rows)) for step in steps
    ]
    read = [(entry.step, entry.row, entry.values) for entry in log.rows()]
    assert read == [
        (position, row, {"n": float(row)})
        for position, step in enumerate(steps)
        for row in step.rows
    ]


def test_many_rows_are_read_by_step(tmp_path):
    path = tmp_path / "dropped.jsonl"
    rows = list(range(3 * BLOCK + 1))
    first = DropStep("a", DropReason.DUPLICATE, rows, partners=[row - 1 for row in rows])
    second = DropStep("b", DropReason.FAILED, [7, 8], errors=["it broke"])
    write_dropped(path, DroppedRows([], [first, second]))
    log = read_dropped(path)
    assert [(entry.row, entry.partner) for entry in log.rows([0])][:2] == [(0, None), (1, 0)]
    assert [(entry.row, entry.error) for entry in log.rows([1])] == [(7, "it broke"), (8, None)]
    assert log.lost == 2


def test_a_row_is_found_in_its_file(tmp_path):
    path = tmp_path / "dropped.jsonl"
    write_dropped(path, DroppedRows([("a.jsonl", 2), ("b.jsonl", 0), ("c.jsonl", 3)], []))
    log = read_dropped(path)
    places = [log.place(row) for row in (0, 1, 2, 4, 5, -1)]
    assert places[:4] == [("a.jsonl", 1), ("a.jsonl", 2), ("c.jsonl", 1), ("c.jsonl", 3)]
    assert places[4][0] == places[5][0] == ""


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text_len": 3}, "text_len 3 < 5"),
        ({"text_len": 12.25}, "text_len 12.25 > 9"),
        ({"text_len": 7}, "text_len 7 (min_len 5, max_len 9)"),
        ({"text_len": None}, "text_len None (min_len 5, max_len 9)"),
        ({"width": 3, "height": 4}, "width 3, height 4 (min_len 5, max_len 9)"),
        ({"scores": [0.5, 0.25]}, "scores [0.5, 0.25] (min_len 5, max_len 9)"),
        ({}, ""),
    ],
)
def test_the_bound_that_dropped_a_row_is_named(tmp_path, values, said):
    path = tmp_path / "dropped.jsonl"
    columns = {name: [value] for name, value in values.items()}
    write_dropped(path, DroppedRows([], [DropStep("f", DropReason.FILTERED, [0], BOUNDS, columns)]))
    log = read_dropped(path)
    (entry,) = log.rows()
    assert log.steps[0].explain(entry.values) == said


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"files": [], "steps": [{}]}', '{"files": 1, "steps": []}', '{"files": []}'],
)
def test_a_damaged_report_is_one_sentence(tmp_path, text):
    path = tmp_path / "dropped.jsonl"
    path.write_text(text)
    with pytest.raises(ComponentError, match="damaged list of dropped rows"):
        read_dropped(path)


def test_damaged_rows_are_one_sentence(tmp_path):
    path = tmp_path / "dropped.jsonl"
    write_dropped(path, DroppedRows([], [DropStep("f", DropReason.FILTERED, [0])]))
    for line in ("{", "[]", "{}", '{"step": 0, "rows": ["x"]}', '{"step": 0, "rows": 5}'):
        head = path.read_text().splitlines()[0]
        path.write_text(f"{head}\n{line}\n")
        with pytest.raises(ComponentError, match="damaged list of dropped rows"):
            list(read_dropped(path).rows())
    path.unlink()
    with pytest.raises(ComponentError, match="cannot be read"):
        read_dropped(path)


def test_a_job_reports_it_as_an_artifact(tmp_path):
    artifacts = []
    watcher = JobWatcher(tmp_path, lambda _: None, artifacts.append)
    watcher.watch_dropped(DroppedRows([], [DropStep("f", DropReason.FILTERED, [3])]))
    (artifact,) = artifacts
    assert artifact.kind is ArtifactKind.DROPPED
    assert [entry.row for entry in read_dropped(artifact.path).rows()] == [3]
    assert json.loads(artifact.path.read_text().splitlines()[0])["steps"][0]["count"] == 1
