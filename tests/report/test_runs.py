import json
import os
from dataclasses import replace

import pytest

from djsb.query.locate import open_store
from djsb.report.runs import Filter, list_runs, runs_table
from djsb.report.show import run_json, run_text
from djsb_core.errors import JobError, RequestError


def test_runs_as_a_table(lab):
    assert runs_table([]) == "No runs."
    first, second = lab.run(), lab.run()
    lines = runs_table(list_runs(lab.store(second), Filter())).splitlines()
    assert [line.split()[0] for line in lines[2:]] == [second.id, first.id]
    assert "lab / whole" in lines[2]
    assert " finished " in lines[2]


def test_a_run_in_full(lab):
    run = lab.run()
    text = run_text(lab.store(run), run)
    assert text.startswith(f"Run {run.id} of sandbox.yaml: finished\nlab / whole, started ")
    assert f"folder: {run.folder}" in text
    assert "eval_before → eval_data" in text
    assert "eval_data (lab_lengths)\n  → scores" not in text
    assert "\n  mean_len  7 characters\n" in text
    assert "  → best: 2.0" in text
    assert "loss" in text


def test_a_failed_run_in_full(lab):
    with pytest.raises(JobError):
        lab.run("work_dir: w\nprobe_job_configs: [{hook: Echo, extra_configs: {mode: raise}}]")
    store = open_store(lab.folder / "w")
    run = store.run("last")
    text = run_text(store, run)
    assert f"Run {run.id} of sandbox.yaml: failed" in text
    assert f"  error: it broke\n  log: {run.folder}/01-probe_0/log.txt" in text


def test_a_run_that_did_not_end_says_so(lab):
    run = lab.run()
    store = lab.store(run)
    fresh = store.add_run(names=("p", "e"), experiment=lab.folder, settings={})
    assert ", not ended\n" in run_text(store, fresh)


def test_a_run_whose_process_was_killed_says_so(lab, monkeypatch):
    ran = lab.run()
    run = replace(ran, status="running")
    (facts,) = list_runs(lab.store(ran), Filter())
    facts = replace(facts, run=run)

    def raise_error(error):
        def kill(pid, sign):
            assert (pid, sign) == (run.pid, 0)
            raise error

        return kill

    assert " running " in runs_table([facts])
    monkeypatch.setattr(os, "kill", raise_error(PermissionError()))
    assert " running " in runs_table([facts])
    monkeypatch.setattr(os, "kill", raise_error(ProcessLookupError()))
    assert " killed " in runs_table([facts])


def test_a_job_that_did_nothing_yet_is_not_described(lab):
    run = lab.run("probe_job_configs: [{hook: Echo, meta_name: quiet}]")
    store = lab.store(run)
    store.update_job(store.jobs(run.id)[0].id, outputs={})
    assert "quiet (Echo)" not in run_text(store, run)


def test_a_run_for_scripts(lab):
    run = lab.run()
    found = json.loads(json.dumps(run_json(lab.store(run), run)))
    assert (found["id"], found["status"], found["folder"]) == (run.id, "finished", str(run.folder))
    assert [job["position"] for job in found["jobs"]] == list(range(8))
    assert found["jobs"][5]["metrics"] == {"mean_len": 4.0}
    assert found["jobs"][5]["package"] == "djsb_lab 1.0"


# -- finding the store -----------------------------------------------------------------------------


@pytest.mark.parametrize("where", [None, "sandbox.yaml", "outputs/lab"])
def test_a_store_is_found_by_experiment_or_work_dir(lab, where):
    run = lab.run()
    found = open_store(None if where is None else lab.folder / where)
    assert found.run("last").id == run.id


def test_a_store_is_found_from_inside(lab, monkeypatch):
    run = lab.run()
    monkeypatch.chdir(run.folder.parents[1])
    assert open_store(None).run("last").id == run.id


def test_an_experiment_without_a_work_dir_has_the_default_one(lab):
    run = lab.run("probe_job_configs: [{hook: Echo}]")
    assert open_store(lab.folder / "sandbox.yaml").run("last").id == run.id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "sandbox.yaml: has no work_dir"),
        ("work_dir: 3\n", "sandbox.yaml: has no work_dir"),
        ("work_dir: [\n", "not plain YAML"),
        ("work_dir: nowhere\n", "no runs in nowhere: there is no djsb.sqlite"),
    ],
)
def test_what_leads_to_no_store_is_one_message(lab, text, message):
    lab.write("sandbox.yaml", text)
    with pytest.raises(RequestError, match=message):
        open_store(lab.folder / "sandbox.yaml")


def test_a_folder_with_nothing_is_one_message(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        RequestError, match=r"no sandbox\.yaml here; name an experiment file or a work"
    ):
        open_store(None)
    with pytest.raises(RequestError, match=r"there is no djsb\.sqlite"):
        open_store(tmp_path)
    assert list(tmp_path.iterdir()) == []
