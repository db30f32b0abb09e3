"""What a run ends with: jobs, targets, and why it stopped."""

from contextlib import closing
from pathlib import Path

import pytest

from djsb.evidence.changes import changes_of
from djsb.report.show import run_json, run_text
from djsb.report.summary import jobs_table, results, summarize, targets_table
from djsb.store.records import TargetRecord
from djsb.store.store import Store
from djsb_core.job.reports import Point
from tests.support.declared import with_declarations

RUN = {"names": ("p", "e"), "experiment": Path("x.yaml"), "settings": {}}


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path)) as found:
        yield found


@pytest.fixture
def record(store, tmp_path):
    """Return a function that records a run of jobs: name, pipeline, iteration and more."""

    def add(*jobs, targets=(), status="finished", reason=None):
        run = store.add_run(**RUN)
        for position, (name, pipeline, iteration, more) in enumerate(jobs):
            metrics = more.pop("metrics", {})
            job = store.add_job(
                run.id,
                **with_declarations(
                    {
                        "stage": "evaluation",
                        "position": position,
                        "meta_name": name,
                        "pipeline": pipeline,
                        "iteration": iteration,
                        "hook": "H",
                        "status": "finished",
                        "seconds": 1.0,
                        "folder": tmp_path / name,
                    }
                    | more
                ),
            )
            store.add_points(job, [Point(key, value, None, 0.0) for key, value in metrics.items()])
        store.add_targets(run.id, targets)
        store.end_run(run.id, status, 1.0, reason)
        return store.run(run.id)

    return add


def headers(store, run):
    return jobs_table(store.jobs(run.id)).splitlines()[0].split()


@pytest.mark.parametrize(
    ("jobs", "first"),
    [
        ([("a", "x", 1)], ["stage", "job"]),
        ([("a", "x", 1), ("a", "y", 1)], ["pipeline", "stage"]),
        ([("a", "x", 1), ("a", "x", 2)], ["iter", "stage"]),
        ([("a", "x", 1), ("a", "y", 1), ("a", "x", 2)], ["iter", "pipeline", "stage"]),
    ],
)
def test_iterations_and_pipelines_have_a_column_where_there_are_several(store, record, jobs, first):
    run = record(*((*job, {}) for job in jobs))
    assert headers(store, run)[: len(first)] == first


def target(iteration, value, *, met, text="p.j.x > 1"):
    return TargetRecord(iteration, text, value, met)


def test_targets_by_iteration():
    found = targets_table(
        [
            target(1, 0.5, met=False),
            target(1, 3.0, met=True, text="p.j.y > 1"),
            target(2, 2.0, met=True),
            target(2, float("nan"), met=False, text="p.j.y > 1"),
        ]
    ).splitlines()
    assert found[0].split() == ["target", "iter", "1", "iter", "2"]
    assert [line.split("  ") for line in (" ".join(row.split()) for row in found[2:])] == [
        ["p.j.x > 1 0.5 2 met"],
        ["p.j.y > 1 3 nan not met"],
    ]


def test_a_run_says_why_it_stopped(store, record):
    run = record(("a", "x", 1, {}), targets=[target(1, 0.5, met=False)], reason="why")
    for text in (summarize(store, run.id), run_text(store, run)):
        assert "\nTargets\n\n" in text
        assert "Stopped: why." in text.splitlines()
    assert run_json(store, run)["targets"] == [
        {"iteration": 1, "target": "p.j.x > 1", "value": 0.5, "met": False}
    ]


def test_a_run_without_targets_or_reason_says_neither(store, record):
    run = record(("a", "x", 1, {}))
    assert list(results(store, run, store.jobs(run.id))) == []


def test_a_failure_that_is_no_jobs_is_shown(store, record):
    run = record(("a", "x", 1, {}), status="failed", reason="it is no number")
    assert "Failed: it is no number" in run_text(store, run).splitlines()
    assert run_json(store, run)["reason"] == "it is no number"


def test_a_failure_of_a_job_is_shown_with_the_job_only(store, record):
    failed = {"status": "failed", "error": "it broke"}
    run = record(("a", "x", 1, failed), status="failed", reason="job 'a' failed: it broke")
    text = run_text(store, run)
    assert "  error: it broke\n" in text
    assert text.count("it broke") == 1


def test_an_interrupted_run_has_no_reason_to_show(store, record):
    run = record(("a", "x", 1, {}), status="interrupted", reason="x")
    assert list(results(store, run, store.jobs(run.id))) == []


@pytest.mark.parametrize(
    ("jobs", "names"),
    [
        ([("a", "x", 1), ("b", "x", 1)], ["a", "b"]),
        ([("a", "x", 1), ("a", "y", 1)], ["x.a", "y.a"]),
        ([("a", "x", 1), ("a", "x", 2)], ["a"]),
        ([("a", "x", 1), ("a", "y", 2)], ["x.a", "y.a"]),
    ],
)
def test_jobs_of_one_name_are_told_apart(store, record, jobs, names):
    run = record(*((*job, {"metrics": {"score": 1.0}}) for job in jobs))
    text = run_text(store, run)
    assert [line for line in text.splitlines() if line.endswith(" (H)")] == [
        f"{name} (H)" for name in names
    ]


def test_results_are_shown_where_the_settings_name_them(store, record):
    outputs = {"path": "/cache/made/x", "inside": ["/cache/made/x/y", "/cache/made/xy"], "no": {}}
    more = {"outputs": outputs, "exports": {"/cache/made/x": "/lab/out/x"}}
    run = record(("a", "x", 1, more))
    text = run_text(store, run)
    assert "  → path: /lab/out/x\n" in text
    assert "  → inside: /lab/out/x/y; /cache/made/xy" in text
    assert "→ no" not in text
    assert run_json(store, run)["jobs"][0]["outputs"]["path"] == "/lab/out/x"


# -- before and after ------------------------------------------------------------------------------


def scored(name, pipeline, iteration, score):
    return name, pipeline, iteration, {"metrics": {"score": score}}


def test_jobs_are_compared_inside_their_pipeline_and_iteration(store, record):
    run = record(
        *(
            scored(name, pipeline, iteration, number)
            for number, (iteration, pipeline, name) in enumerate(
                (i, p, n) for i in (1, 2) for p in "xy" for n in "ab"
            )
        )
    )
    jobs = store.jobs(run.id)
    found = [
        (one.pipeline, one.before, one.after, one.contrast.old, one.contrast.new)
        for one in changes_of(store, jobs)
    ]
    assert found == [
        ("x", "a", "b", 0.0, 1.0),
        ("y", "a", "b", 2.0, 3.0),
        ("x", "a", "b", 4.0, 5.0),
        ("y", "a", "b", 6.0, 7.0),
    ]


def test_the_changes_of_the_last_iteration_are_shown(store, record):
    run = record(*(scored(n, "x", i, i * 10.0 + (n == "b")) for i in (1, 2) for n in "ab"))
    text = summarize(store, run.id)
    assert "\nBefore → after, iteration 2\n" in text
    (row,) = [line for line in text.splitlines() if line.startswith("a → b")]
    assert row.split()[4:6] == ["20", "21"]


def test_pipelines_are_named_where_several_are_compared(store, record):
    run = record(*(scored(n, p, 1, float(n == "b")) for p in "xy" for n in "ab"))
    lines = [line for line in summarize(store, run.id).splitlines() if "→ b" in line]
    assert [line.split("  ")[0] for line in lines] == ["x: a → b", "y: a → b"]


def test_rows_of_several_pipelines_are_named_too(store, record):
    rows = {"rows_in": 5.0, "rows_kept": 2.0}
    run = record(*(("a", p, 1, {"metrics": rows, "stage": "execution"}) for p in "xy"))
    found = [one for one in changes_of(store, store.jobs(run.id)) if one.contrast.metric == "rows"]
    assert [(one.pipeline, one.contrast.old, one.contrast.new) for one in found] == [
        ("x", 5.0, 2.0),
        ("y", 5.0, 2.0),
    ]
