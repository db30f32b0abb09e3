"""A few samples that were dropped and kept."""

import gzip
import json

import pytest

from djsb_core.api import BoundSide, DroppedRows, DropReason, DropStep, JobWatcher, StepBound
from djsb_report import samples as module
from djsb_report.bounds import Bound
from djsb_report.samples import LONG, read_samples

UPPER = BoundSide.UPPER


def lines(samples):
    return "".join(json.dumps(sample) + "\n" for sample in samples)


@pytest.fixture
def processed(new_run, store):
    """Return a function that records a processing of these samples into those."""

    def make(given, kept, *, name="given.jsonl", text=None):
        path = store.work_dir / name
        written = lines(given) if text is None else text
        data = written.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        run = new_run()
        settings = {"dj_configs": {"dataset_path": str(path)}}
        outputs = {"data": "kept.jsonl"}
        files = run.add("p", "ProcessDataHook", "execution", settings=settings, outputs=outputs)
        (files / "kept.jsonl").write_text(lines(kept))
        return run

    return make


def only(run, bounds=()):
    (found,) = read_samples(run.reading, bounds)
    return found


def texts(samples):
    return {one.text for one in samples}


ROWS = [{"text": f"t{i}"} for i in range(10)]


@pytest.mark.parametrize("name", ["given.jsonl", "given.jsonl.gz"])
def test_what_is_not_in_the_result_was_dropped(processed, name):
    found = only(processed(ROWS, ROWS[:7], name=name))
    assert texts(found.dropped) == {"t7", "t8", "t9"}
    assert len(found.kept) == 4
    assert texts(found.kept) < {f"t{i}" for i in range(7)}
    assert found.rows == 10


def test_the_same_samples_are_drawn_each_time(processed):
    run = processed(ROWS, ROWS[5:])
    assert only(run) == only(run)


def test_order_and_what_data_juicer_adds_do_not_matter(processed):
    kept = [{**row, "__dj__stats__": {"text_len": 2}} for row in reversed(ROWS[:9])]
    assert texts(only(processed(ROWS, kept)).dropped) == {"t9"}


def test_a_recipe_that_changes_every_sample(processed):
    found = only(processed(ROWS, [{"text": row["text"].upper()} for row in ROWS]))
    assert found.dropped == found.kept == []
    assert "changes every sample" in found.problem


def test_a_data_set_that_is_gone(processed, store):
    run = processed(ROWS, ROWS)
    (store.work_dir / "given.jsonl").unlink()
    assert only(run).problem.startswith("Its dataset is missing")


def test_a_broken_data_set_is_told_with_its_line(processed):
    found = only(processed(ROWS, ROWS, text='{"text": "a"}\n{'))
    assert "given.jsonl:2: not JSON" in found.problem


def test_only_the_first_rows_are_read(processed, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 6)
    found = only(processed(ROWS, ROWS[:3], text=lines(ROWS[:6]) + "not JSON"))
    assert found.rows == 6
    assert texts(found.dropped) == {"t3", "t4", "t5"}


def test_long_texts_and_many_fields_are_cut(processed):
    rows = [{"text": "x" * 10_000, **{f"f{i}": "y" * 500 for i in range(50)}}]
    (sample,) = only(processed(rows, rows)).kept
    assert len(sample.text) == LONG
    assert sample.text.endswith("…")
    assert len(sample.fields) == 8
    assert max(len(value) for _, value in sample.fields) == 120


def test_without_a_field_text_the_longest_text_is_shown(processed):
    rows = [{"id": "7", "story": "long ago", "n": 3}]
    (sample,) = only(processed(rows, rows)).kept
    assert sample.text == "long ago"
    assert sample.fields == [("id", "7"), ("n", "3")]


def test_why_a_sample_was_dropped(processed):
    run = processed(ROWS, ROWS[:9])
    files = run.add(
        "probe", "ProbeViaAnalyzerHook", "probe", outputs={"export_path": "analyzed.jsonl"}
    )
    (files / "analyzed.jsonl").write_text(
        lines({**row, "__dj__stats__": {"len": i}} for i, row in enumerate(ROWS))
    )
    bounds = [Bound("o", "most", 99, 8, "len", UPPER), Bound("o", "least", 0, 20, None)]
    (sample,) = only(run, bounds).dropped
    assert sample.reasons == ["len 9 > 8"]


def removed(run, files, *steps):
    """Report what the last job of a run removed."""
    (job,) = run.reading.jobs
    path = job.folder / "dropped.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    JobWatcher(
        path.parent, lambda _: None, lambda artifact: run.store.add_artifact(job.id, artifact)
    ).watch_dropped(DroppedRows(files, steps))


def test_the_step_that_dropped_a_sample_is_named(processed, store):
    run = processed(ROWS, ROWS[:7])
    bounds = [StepBound("min", 5, BoundSide.LOWER)]
    removed(
        run,
        [(str(store.work_dir / "other.jsonl"), 4), (str(store.work_dir / "given.jsonl"), 10)],
        DropStep("sieve", DropReason.FILTERED, [0, 12], bounds, {"size": [1, 3]}),
        DropStep("twins", DropReason.DUPLICATE, [11], partners=[5]),
        DropStep("press", DropReason.FAILED, [13], errors=["ValueError: odd"]),
    )
    dropped = {one.text: (one.step, list(one.reasons)) for one in only(run).dropped}
    assert dropped == {
        "t8": ("sieve", ["size 3 < 5"]),
        "t7": ("twins", ["like row 2"]),
        "t9": ("press", ["ValueError: odd"]),
    }
    page = run.page()
    assert "twins: like row 2" in page.text


def test_a_recipe_that_changes_every_sample_still_names_the_dropped_ones(processed, store):
    run = processed(ROWS, [{"text": row["text"].upper()} for row in ROWS[:8]])
    step = DropStep("sieve", DropReason.FILTERED, [8, 9])
    removed(run, [(str(store.work_dir / "given.jsonl"), 10)], step)
    found = only(run)
    assert texts(found.dropped) == {"t8", "t9"}
    assert texts(found.kept) < {f"t{i}" for i in range(8)}


def test_a_damaged_report_of_dropped_rows_is_left_out(processed, store):
    run = processed(ROWS, ROWS[:7])
    removed(run, [], DropStep("sieve", DropReason.FILTERED, [8, 9]))
    (run.reading.jobs[0].folder / "dropped.jsonl").write_text("{")
    assert texts(only(run).dropped) == {"t7", "t8", "t9"}
