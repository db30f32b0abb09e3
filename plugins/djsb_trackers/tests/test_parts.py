"""Rows, histograms and segments by themselves."""

import json
import os
from itertools import pairwise

import pytest

from djsb_trackers.messages import Start, Value
from djsb_trackers.rows import rows
from djsb_trackers.segments import RESERVED, Segment
from djsb_trackers.writer import MOST_BINS, read_histogram


def value(name, step, number=0.0, job="train"):
    return Value(job, f"{job}.{name}", number, step, 0.0)


def test_rows_join_what_belongs_together():
    told = [
        value("loss", 0, 1.0),
        value("lr", 0, 2.0),
        value("loss", 1, 3.0),
        value("loss", 1, 4.0),
        value("loss", 1, 5.0, job="other"),
        value("n", None, 6.0),
        value("m", None, 7.0),
    ]
    assert list(rows(told)) == [
        ("train", 0, {"train.loss": 1.0, "train.lr": 2.0}),
        ("train", 1, {"train.loss": 3.0}),
        ("train", 1, {"train.loss": 4.0}),
        ("other", 1, {"other.loss": 5.0}),
        ("train", None, {"train.n": 6.0, "train.m": 7.0}),
    ]
    assert list(rows([])) == []


@pytest.mark.parametrize("count", [1, MOST_BINS, MOST_BINS + 1, 2 * MOST_BINS, 10 * MOST_BINS + 3])
def test_a_histogram_keeps_its_counts_and_ends(histogram_file, count):
    counts, edges = read_histogram(histogram_file(count))
    assert sum(counts) == count
    assert len(edges) == len(counts) + 1 <= MOST_BINS + 1
    assert (edges[0], edges[-1]) == (0, count)
    assert [end - begin for begin, end in pairwise(edges)] == counts


def test_a_histogram_that_does_not_fit(histogram_file):
    with pytest.raises(ValueError, match="3 counts, but 2 edges"):
        read_histogram(histogram_file(3, edges=[0, 1]))


@pytest.fixture
def segment(tmp_path):
    """Return a function that begins a run's segment."""

    def begin(name, experiment="e", jobs=("train",), pipelines=False):
        folder = tmp_path / "runs" / name
        folder.mkdir(parents=True)
        stages = {"execution_job_configs": [{"hook": "H", "meta_name": job} for job in jobs]}
        settings = {"pipelines": [{"one": stages}, {"two": "two.yaml"}]} if pipelines else stages
        return Segment(Start(name, "p", experiment, str(folder), settings))

    return begin


def note(tmp_path, name, **changes):
    path = tmp_path / "runs" / name / "wandb.json"
    noted = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(noted))
    return noted


@pytest.mark.parametrize("status", ["failed", "interrupted", "unknown"])
def test_a_segment_goes_on(segment, status):
    first = segment("1")
    assert [first.next_step() for _ in range(3)] == [0, 1, 2]
    first.end(status)
    second = segment("2")
    assert (second.id, second.continues, second.next_step()) == (first.id, True, 3)
    second.end("finished")
    assert segment("3").id != first.id


def test_a_segment_that_was_killed(segment, tmp_path):
    first = segment("1")
    for _ in range(RESERVED + 1):
        first.next_step()
    gone = 2**22 + 1  # no process has this id
    noted = note(tmp_path, "1", pid=gone)
    assert noted["status"] == "running"
    assert RESERVED + 1 < noted["next_step"] <= 2 * RESERVED + 1
    second = segment("2")
    assert (second.id, second.next_step()) == (first.id, noted["next_step"])


def test_a_segment_that_is_still_written(segment, tmp_path):
    first = segment("1")
    note(tmp_path, "1", pid=os.getppid())
    assert segment("2").id != first.id


@pytest.mark.parametrize(
    "change", [{"experiment": "other"}, {"jobs": ["train", "eval"]}, {"pipelines": True}]
)
def test_another_experiment_is_another_run(segment, change):
    first = segment("1")
    first.end("failed")
    assert segment("2", **change).id != first.id
    assert segment("3").id == first.id


def test_a_damaged_note_is_no_run(segment, tmp_path):
    first = segment("1")
    first.end("failed")
    (tmp_path / "runs" / "1" / "wandb.json").write_text('{"id": ')
    assert not segment("2").continues
