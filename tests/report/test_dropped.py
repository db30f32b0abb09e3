"""Dropped and lost rows as text: ``djsb show --dropped``, and the summary of a run."""

import json

import pytest
from click.testing import CliRunner

from djsb.cli import djsb
from djsb.report.dropped import dropped_json, dropped_text, lost_text
from djsb.report.show import job_text
from djsb.report.summary import summarize
from djsb_core.errors import RequestError
from djsb_core.interfaces.bounds import BoundSide
from djsb_core.interfaces.dropped import (
    DroppedRows,
    DropReason,
    DropStep,
    StepBound,
    write_dropped,
)
from djsb_core.job.reports import Artifact, ArtifactKind
from djsb_core.metrics import Declarations, Flow, Metric

METRICS = (
    Metric("rows_in", "rows", flow=Flow.GIVEN),
    Metric("rows_failed", "rows", flow=Flow.LOST),
)
STEPS = [
    DropStep("sieve", DropReason.FAILED, [1, 4, 5, 6], errors=["ValueError: odd", "KeyError: 'x'"]),
    DropStep(
        "sieve",
        DropReason.FILTERED,
        [0, 2],
        [StepBound("min", 5, BoundSide.LOWER)],
        {"size": [3, 4.5]},
    ),
    DropStep("twins", DropReason.DUPLICATE, [7, -1], partners=[3, -1]),
]


@pytest.fixture
def record(history):
    """Return a function that records a run whose job reports these files of input."""

    def make(files):
        metrics = {"rows_in": 10.0, "rows_failed": 4.0}
        declarations = Declarations(METRICS).to_json()
        run = history.add({"meta_name": "clean", "metrics": metrics, "declarations": declarations})
        (job,) = history.store.jobs(run.id)
        path = job.folder / "dropped.jsonl"
        write_dropped(path, DroppedRows(files, STEPS))
        artifact = Artifact("dropped", ArtifactKind.DROPPED, None, path)
        history.store.add_artifact(job.id, artifact)
        return run, history.store.jobs(run.id)

    return make


def test_each_row_has_its_step_and_a_reason(record, history):
    run, jobs = record([("/data/rows.jsonl", 10)])
    lines = dropped_text(history.store, run, jobs, "", None).splitlines()
    assert lines[0] == "clean: 8 rows removed"
    assert "Rows of /data/rows.jsonl:" in lines
    listed = [line.split(maxsplit=2) for line in lines[-8:]]
    assert listed == [
        ["2", "sieve", "ValueError: odd"],
        ["5", "sieve", "KeyError: 'x'"],
        ["6", "sieve"],
        ["7", "sieve"],
        ["1", "sieve", "size 3 < 5"],
        ["3", "sieve", "size 4.5 < 5"],
        ["8", "twins", "like row 4"],
        ["?", "twins"],
    ]


def test_one_step_and_a_limit(record, history):
    run, jobs = record([("/data/a.jsonl", 3), ("/data/b.jsonl", 7)])
    text = dropped_text(history.store, run, jobs, "twins", 1)
    assert "sieve" not in text
    assert "/data/b.jsonl" in text
    assert "like /data/b.jsonl, row 1" in text
    assert text.endswith("1 of 2 rows are listed; more: --limit 2")


def test_json_lists_all_rows(record, history):
    run, jobs = record([("/data/rows.jsonl", 10)])
    (listed,) = dropped_json(history.store, run, jobs, "", None)
    assert len(listed["rows"]) == 8
    assert listed["rows"][4] == {
        "file": "/data/rows.jsonl", "row": 1, "step": "sieve", "reason": "filtered",
        "why": "size 3 < 5", "values": {"size": 3},
    }  # fmt: skip
    assert listed["rows"][6]["partner"] == {"file": "/data/rows.jsonl", "row": 4}


def test_unknown_steps_and_jobs_without_a_report(record, history):
    run, jobs = record([])
    with pytest.raises(RequestError, match="no step 'seive' removed rows; did you mean 'sieve'"):
        dropped_text(history.store, run, jobs, "seive", None)
    other = history.add(history.score(0.1))
    with pytest.raises(RequestError, match="no job removed rows"):
        dropped_text(history.store, other, history.store.jobs(other.id), "", None)


def test_the_summary_and_the_job_say_what_was_lost(record, history):
    run, jobs = record([("/data/rows.jsonl", 10)])
    lost = [
        "rows failed: 4 of 10 rows",
        "/data/rows.jsonl, row 2: sieve: ValueError: odd",
        "/data/rows.jsonl, row 5: sieve: KeyError: 'x'",
        "/data/rows.jsonl, row 6: sieve",
        "and 1 more",
    ]
    for text in (
        summarize(history.store, run.id),
        lost_text(history.store, run.id, jobs),
        job_text(history.store, run, jobs),
    ):
        places = [text.index(line) for line in lost]
        assert places == sorted(places)
    assert f"djsb show {run.id}" in summarize(history.store, run.id)


def test_a_report_that_is_gone_does_not_hide_the_count(record, history):
    run, jobs = record([])
    (jobs[0].folder / "dropped.jsonl").write_text("{")
    assert "damaged list of dropped rows" in lost_text(history.store, run.id, jobs)


def test_runs_without_losses_say_nothing(history):
    run = history.add(history.score(0.1))
    assert "Lost" not in summarize(history.store, run.id)


def test_the_command(record, history):
    run, _ = record([("/data/rows.jsonl", 10)])
    where = str(history.store.work_dir)
    run_it = CliRunner().invoke
    everything = run_it(djsb, ["show", run.id, where, "--dropped"])
    assert everything.exit_code == 0
    assert "clean: 8 rows removed" in everything.output
    one = run_it(djsb, ["show", run.id, "clean", where, "--dropped", "twins", "--json"])
    (listed,) = json.loads(one.output)
    assert [row["step"] for row in listed["rows"]] == ["twins", "twins"]
    bad = run_it(djsb, ["show", run.id, where, "--dropped", "nope"])
    assert bad.exit_code == 2
