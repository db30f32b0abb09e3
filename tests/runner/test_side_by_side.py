"""Several pipelines in one run: one after the other, and side by side in processes."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from djsb.report.show import run_text
from djsb.report.summary import jobs_table, summarize
from djsb_core.errors import JobError, JobsError

THREE = """
work_dir: w
pipelines:
- first:
    execution_job_configs:
    - {hook: Echo, meta_name: j, extra_configs: {text: one, out: out/first.txt}}
- other:
    execution_job_configs:
    - {hook: Echo, meta_name: j, extra_configs: {text: two}}
- last:
    execution_job_configs:
    - {hook: Echo, meta_name: far, input: {extra_configs.text: other.j.text}}
    - {hook: Echo, meta_name: near, input: {extra_configs.text: -1.text}}
    - {hook: Echo, meta_name: file, extra_configs: {file: out/first.txt}}
"""
BORDER = """
work_dir: w
pipelines:
  one: {execution_job_configs: [{hook: Echo, meta_name: j, extra_configs: {text: over}}]}
  two: {execution_job_configs: [{hook: Echo, meta_name: j, input: {extra_configs.text: -1.text}}]}
"""


def rows(lab, run):
    with closing(lab.store(run)) as store:
        return store.jobs(run.id)


def outputs(lab, run):
    return {(job.pipeline, job.meta_name): job.outputs["text"] for job in rows(lab, run)}


def test_references_lead_across_pipelines(lab):
    found = outputs(lab, lab.run(THREE))
    assert found["last", "far"] == found["last", "near"] == "two"
    assert found["last", "file"] == "one"


def test_the_job_before_may_be_in_the_pipeline_before(lab):
    assert outputs(lab, lab.run(BORDER)) == {("one", "j"): "over", ("two", "j"): "over"}


def test_each_pipeline_has_its_own_folder(lab):
    run = lab.run(THREE)
    assert [job.folder.relative_to(run.folder).as_posix() for job in rows(lab, run)] == [
        "first/01-j",
        "other/02-j",
        "last/03-far",
        "last/04-near",
        "last/05-file",
    ]


def test_iterations_and_pipelines_have_folders_in_one_another(lab):
    run = lab.run(THREE + "max_iter_num: 2\n")
    assert (run.folder / "iter_2/other/02-j/log.txt").is_file()


@pytest.mark.parametrize("name", ["../../evil", "/evil", "名" * 90, "𠀀" * 90])
def test_the_name_of_a_pipeline_cannot_lead_out(lab, name):
    text = BORDER.replace("  one:", f"  '{name}':")
    if "." in name:
        text = text.replace(name, name.replace(".", "-"))
    job = rows(lab, lab.run(text))[0]
    assert job.folder.is_relative_to(lab.folder / "w" / "runs")
    assert [path for path in lab.folder.parent.rglob("*evil*") if "runs" not in path.parts] == []


@pytest.mark.parametrize("name", ["名" * 90, "𠀀" * 90])
def test_a_long_name_of_a_job_fits_the_file_system(lab, name):
    run = lab.run(lab.echo("").replace("meta_name: j0", f"meta_name: {name}"))
    assert lab.statuses(run) == ["finished"]


def test_an_empty_pipeline_is_one(lab):
    run = lab.run(BORDER.replace("pipelines:\n", "pipelines:\n  zero: {}\n"))
    assert run.status == "finished"


def test_the_tables_name_pipelines(lab):
    run = lab.run(THREE)
    table = jobs_table(rows(lab, run)).splitlines()
    assert table[0].split() == ["pipeline", "stage", "job", "component", "status", "time"]
    assert [line.split()[1] for line in table[2:]] == ["first", "other", "last", "last", "last"]
    alone = jobs_table(rows(lab, lab.run(lab.echo(""))))
    assert "pipeline" not in alone.splitlines()[0]


def test_a_run_in_full_tells_jobs_of_one_name_apart(lab):
    run = lab.run(THREE)
    with closing(lab.store(run)) as store:
        text = run_text(store, run)
    assert "\nfirst.j (Echo)\n" in text
    assert "\nother.j (Echo)\n" in text


MEASURED = "- {hook: EvaluateDataHook, meta_name: %s, extra_configs: {type: lab_lengths, %s}}\n"


def test_what_changed_is_compared_inside_each_pipeline(lab):
    lab.write("more.jsonl", '{"text": "xxxxxx"}\n')
    jobs = "".join(
        f"    {MEASURED % (name, f'dataset_path: {file}.jsonl')}"
        for name, file in (("before", "data"), ("after", "more"))
    )
    text = "pipelines:\n" + "".join(
        f"- {name}:\n    evaluation_job_configs:\n{jobs}" for name in ("a", "b")
    )
    run = lab.run("work_dir: w\n" + text)
    with closing(lab.store(run)) as store:
        lines = [line for line in summarize(store, run.id).splitlines() if "→" in line]
    assert [line.split("  ")[0] for line in lines[1:]] == [
        "a: before → after",
        "b: before → after",
    ]


def test_the_published_record_has_every_pipeline(lab):
    lab.run(THREE)
    (infos,) = json.loads(Path("w/context_infos.json").read_text())
    assert [
        (one["pipeline_name"], [job["meta_name"] for job in one["job_infos"]])
        for one in infos["pipeline_infos"]
    ] == [("first", ["j"]), ("other", ["j"]), ("last", ["far", "near", "file"])]


# -- failure ---------------------------------------------------------------------------------------

FAILING = """
work_dir: w
pipelines:
- a: {execution_job_configs: [{hook: Echo, meta_name: j, extra_configs: {mode: raise}}]}
- b: {execution_job_configs: [{hook: Echo, meta_name: j, input: {extra_configs.text: a.j.text}}]}
- c: {execution_job_configs: [{hook: Echo, meta_name: j, extra_configs: {mode: %s}}]}
- d: {execution_job_configs: [{hook: Echo, meta_name: j}]}
"""


def statuses(lab, run):
    return {job.pipeline: job.status for job in rows(lab, run)}


def test_a_failure_ends_the_run(lab, last_run):
    with pytest.raises(JobError, match="job 'j' failed: ValueError: it broke"):
        lab.run(FAILING % "raise")
    assert statuses(lab, last_run()) == {"a": "failed"}


def test_with_keep_going_independent_pipelines_run(lab, last_run):
    with pytest.raises(JobError):
        lab.run(FAILING % "echo", keep_going=True)
    run = last_run()
    assert run.status == "failed"
    assert statuses(lab, run) == {"a": "failed", "c": "finished", "d": "finished"}


def test_with_keep_going_every_failure_is_told(lab, last_run):
    with pytest.raises(JobsError) as caught:
        lab.run(FAILING % "bad_input", keep_going=True)
    text = str(caught.value)
    assert text.startswith("2 jobs failed\njob 'j' failed: ValueError: it broke\n  its log: ")
    assert "\njob 'j' failed: data.jsonl:3: no field 'text'; fields: words\n" in text
    assert last_run().reason == text


# -- in processes ----------------------------------------------------------------------------------


def test_workers_give_the_same_as_none(lab, monkeypatch):
    folder = lab.folder.parent / "site-packages"
    monkeypatch.setenv("PYTHONPATH", str(folder))
    here = lab.run(THREE.replace("work_dir: w", "work_dir: here"))
    there = lab.run(THREE.replace("work_dir: w", "work_dir: there"), workers=2)
    assert outputs(lab, here).keys() == outputs(lab, there).keys()
    for one, other in zip(rows(lab, here), rows(lab, there), strict=True):
        assert one.fingerprint == other.fingerprint
        assert one.named_outputs == other.named_outputs
    assert {job.status for job in rows(lab, lab.run(None, workers=2))} == {"cached"}


def test_workers_keep_going_too(lab, last_run, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(lab.folder.parent / "site-packages"))
    with pytest.raises(JobError, match="it broke"):
        lab.run(FAILING % "echo", workers=2, keep_going=True)
    assert statuses(lab, last_run()) == {"a": "failed", "c": "finished", "d": "finished"}
