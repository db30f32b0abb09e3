"""Scripts that open the runs of experiments, and scripts whose runs belong to a sweep."""

import json
from pathlib import Path

import pytest

from djsb import SandboxWatcher
from djsb.report.show import run_text
from djsb.store.store import Store
from djsb_core.errors import ConfigError, RequestError

pytestmark = pytest.mark.usefixtures("no_trackers")


def begin(name="e", **more):
    return SandboxWatcher("w", "p", name, **more)


def test_a_run_that_goes_on_has_the_metrics_of_cached_jobs(lab):
    first = lab.run()
    second = lab.run()
    assert set(lab.statuses(second)) == {"cached"}
    runs = [SandboxWatcher.open(run.id) for run in (first, second)]
    for name in ("train_model", "train_model.loss", "eval_data.mean_len"):
        assert runs[0].query(name) == runs[1].query(name)
    assert runs[1].history("train_model.loss").steps == [0, 1, 2]
    assert runs[0].history("train_model.loss") == runs[1].history("train_model.loss")


def test_jobs_of_several_pipelines_are_told_apart(lab):
    pipeline = "{evaluation_job_configs: [{hook: EvaluateDataHook, meta_name: eval, "
    pipeline += "extra_configs: {type: lab_lengths, dataset_path: data.jsonl}}]}"
    lab.run(f"work_dir: w\npipelines:\n- a: {pipeline}\n- b: {pipeline}\nmax_iter_num: 2\n")
    run = SandboxWatcher.open("last", "w")
    assert run.query("b.eval.mean_len") == 4.0
    assert run.query("a.eval")["mean_len"] == 4.0
    with pytest.raises(RequestError, match=r"may mean, in run .*:\n  a\.eval\.mean_len\n  b\.eval"):
        run.query("eval.mean_len")


HPO = {"method": "random", "name": "rates", "parameters": {"lr": {"min": 0.1, "max": 1.0}}}


def test_a_sweep_and_its_runs(heard):
    with begin() as watcher:
        sweep = watcher.setup_sweep(HPO)
    with begin("trial", sweep=sweep):
        pass
    store = Store(Path("w"))
    assert (store.sweep(sweep).name, store.sweep(sweep).project_name) == ("rates", "p")
    assert store.run("last").sweep == sweep
    assert "\nsweep: rates\n" in run_text(store, store.run("last"))
    assert [one[3] for one in heard if one[0] == "started"] == [None, "rates"]
    with pytest.raises(RequestError, match="no sweep 'other'"):
        begin("trial", sweep="other")
    assert len(store.runs()) == 2


def test_where_a_sweeps_names_come_from():
    data_juicers = {key: value for key, value in HPO.items() if key != "name"}
    Path("hpo.json").write_text(json.dumps({**data_juicers, "sweep_name": "s", "project": "q"}))
    with begin() as watcher:
        found = [
            watcher.setup_sweep("hpo.json"),
            watcher.setup_sweep(Path("hpo.json"), project_name="r"),
            watcher.setup_sweep(data_juicers),
        ]
        with pytest.raises(ConfigError, match="method: missing"):
            watcher.setup_sweep({})
    store = Store(Path("w"))
    sweeps = [store.sweep(one) for one in found]
    assert [(one.name, one.project_name) for one in sweeps] == [
        ("s", "q"), ("s", "r"), (found[2], "p"),
    ]  # fmt: skip
