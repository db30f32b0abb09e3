import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from djsb.report.show import job_text, log_tail, metrics_lines, run_json, run_text
from djsb.report.written import json_text
from djsb.store.store import Store
from djsb_core.job.reports import Point
from djsb_core.metrics import Declarations, Metric


def shown(history, *jobs, **options):
    run = history.add(*jobs, **options)
    return run_text(history.store, run)


def test_several_iterations_stand_side_by_side(history):
    text = shown(
        history,
        *(history.score(i / 10, iteration=i, outputs={"out": i}) for i in range(1, 12)),
    )
    lines = [line.split() for line in text.splitlines()]
    assert lines.count(["eval", "(c)"]) == 1
    assert [word for i in range(4, 12) for word in ("iter", str(i))] in lines
    assert ["score", *"0.4 0.5 0.6 0.7 0.8 0.9 1 1.1".split()] in lines
    assert "  → out: 11" in text.splitlines()


def test_a_metric_that_one_iteration_lacks_is_an_empty_cell(history):
    text = shown(
        history,
        history.score(0.1, iteration=1),
        {**history.score(0.2, iteration=2), "metrics": {"n": 3.0}},
    )
    assert any(line.split() == ["n", "3"] for line in text.splitlines())


def test_each_error_of_an_iteration_is_said(history):
    first = history.score(0.1, iteration=1)
    text = shown(history, first, history.score(0.1, iteration=2, error="it broke", status="failed"))
    assert "  error: it broke\n  log: " in text


def test_pipelines_name_their_jobs(history):
    text = shown(history, *(history.score(0.1, pipeline=name) for name in "ab"))
    assert "\na.eval (c)\n" in text
    assert "\nb.eval (c)\n" in text


def test_paths_in_the_folder_of_the_run_are_short(history):
    run = history.add(history.score(0.1))
    inside = f"{run.folder}/0-eval/files/x.jsonl"
    job = history.store.jobs(run.id)[0]
    history.store.update_job(job.id, outputs={"a": inside, "b": "/elsewhere/y", "c": [inside] * 5})
    text = run_text(history.store, run)
    assert "  → a: 0-eval/files/x.jsonl\n" in text
    assert "  → b: /elsewhere/y\n" in text
    assert (
        "  → c: 0-eval/files/x.jsonl; 0-eval/files/x.jsonl; 0-eval/files/x.jsonl; and 2 more"
        in text
    )


def test_long_outputs_are_cut(history):
    text = shown(history, {"meta_name": "a", "outputs": {"text": "x" * 10_000, "n": 0}})
    assert max(map(len, text.splitlines())) < 200
    assert "  → n: 0" in text


def test_statistics_are_a_table():
    names = [f"{stat}.{part}" for stat in ("text_len", "ratio") for part in ("mean", "std")]
    points = [Point(name, float(i), None, 0.0) for i, name in enumerate([*names, "rows", "a.b"])]
    lines = [line.split() for text in metrics_lines(points) for line in text.splitlines()]
    assert ["rows", "4"] in lines
    assert ["a.b", "5"] in lines
    assert ["mean", "std"] in lines
    assert ["text_len", "0", "1"] in lines
    assert ["ratio", "2", "3"] in lines


def test_units_follow_the_values():
    metrics = (
        Metric("length", "words"), Metric("rows", "rows"), Metric("loss.*", "nats per token"),
    )  # fmt: skip
    names = ("length", "rows", "plain", "loss.a.mean", "loss.a.std", "loss.b.mean", "loss.b.std")
    points = [Point(name, 2.0, None, 0.0) for name in names]
    lines = [
        text.split() for text in "\n".join(metrics_lines(points, Declarations(metrics))).split("\n")
    ]
    for line in ("length 2 words", "rows 2", "plain 2", "loss.a 2 2 nats per token"):
        assert line.split() in lines


def test_a_job_as_json_has_units(history):
    metrics = (Metric("score", "points"),)
    run = history.add(history.score(0.5, declared=metrics, directions={}))
    (job,) = run_json(history.store, run)["jobs"]
    assert job["units"] == {"score": "points"}


def test_a_series_says_where_it_began():
    points = [Point("loss", 1.0 / (i + 1), i, 0.0) for i in range(4)]
    assert list(metrics_lines(points)) == ["  loss  0.25 (first of 4 values: 1)"]


def test_a_text_is_one_line():
    (line,) = metrics_lines([Point("note", "a\nb" * 500, None, 0.0)])
    assert line.startswith("  note  a b")
    assert len(line) < 200


def test_one_job_in_detail(history):
    settings = {"input": {"extra_configs.data": "anonymous.process.kept"}, "meta_name": "train"}
    run = history.add(
        {"meta_name": "process", "outputs": {"kept": "/c/1/kept.jsonl"}},
        {
            **history.train(data="/c/1/kept.jsonl", lr=0.1, text="ü"),
            "metrics": {"loss": [3.0, 2.0]},
            "outputs": {"model": "/c/2/m", "table": {"a": 1}},
            "fingerprint": "f" * 64,
            "source_run": "other-run",
            "status": "cached",
            "package": "pkg 1.0",
        },
        settings={"execution_job_configs": [settings]},
    )
    job = history.store.jobs(run.id)[1]
    (job.folder / "log.txt").write_text("".join(f"line {i}\n" for i in range(100)))
    text = job_text(history.store, run, [job])
    assert text.startswith(f"train (execution) of run {run.id}: cached\nH: c, pkg 1.0; started ")
    for line in (
        "reused from run other-run",
        "key: ffffffffffff",
        "    data: process.kept",
        "    lr: 0.1",
        "    text: ü",
        "  extra_configs.data ← anonymous.process.kept",
        "  loss  2 (first of 2 values: 3)",
        "  → model: /c/2/m",
        "  → table: {'a': 1}",
        "  line 99",
    ):
        assert line in text.splitlines()
    assert "  line 79" not in text.splitlines()


def test_a_job_with_nothing_yet(history):
    run = history.add({"meta_name": "a", "status": "running", "seconds": None}, status="running")
    text = job_text(history.store, run, history.store.jobs(run.id))
    assert "settings" not in text
    assert "metrics" not in text
    assert "log" not in text


def test_the_end_of_a_log(tmp_path):
    log = tmp_path / "log.txt"
    assert log_tail(log) == []
    log.write_bytes(b"a\n\n10%\r20%\r100%\nb\xff\nlast")
    assert log_tail(log, 3) == ["100%", "b\N{REPLACEMENT CHARACTER}", "last"]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_words_that_scripts_cannot_read(history, value):
    run = history.add(history.score(value, samples={"score": [1.0]}))
    found = json.loads(json_text(run_json(history.store, run)))
    (job,) = found["jobs"]
    assert job["metrics"] == {"score": None}
    assert job["directions"] == {"score": True}
    assert [(one["name"], one["kind"]) for one in job["artifacts"]] == [("score", "samples")]


@pytest.mark.parametrize("move", [shutil.copytree, shutil.move])
def test_a_work_dir_that_was_copied_or_moved(lab, move):
    run = lab.run()
    old = run.folder.parents[1]
    before = {path for path in old.rglob("*") if path.is_file()}
    move(old, "elsewhere")
    with closing(Store(Path("elsewhere"), create=False)) as store:
        found = store.run("last")
        jobs = store.jobs(found.id)
        places = [*jobs, *(one for job in jobs for one in store.artifacts(job.id))]
        said = run_text(store, found)
    paths = [getattr(one, "folder", None) or one.path for one in places]
    assert all(
        path.exists() and path.is_relative_to(Path("elsewhere").absolute()) for path in paths
    )
    assert f"folder: {Path('elsewhere').absolute()}/runs/" in said
    written = lab.djsb("report", "last", "elsewhere").stdout.strip()
    assert written == str(Path("elsewhere", "runs", run.id, "report.html").absolute())
    if old.exists():
        assert {path for path in old.rglob("*") if path.is_file()} == before
    assert lab.run(None, "work_dir=elsewhere").status == "finished"
