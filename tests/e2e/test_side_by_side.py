"""Runs at the same time, and pipelines at the same time: each job once, the same results."""

import json
import signal
from collections import Counter

import pytest

SHARED = """
work_dir: w
pipelines:
- left:
    probe_job_configs: &shared
    - hook: ProbeViaAnalyzerHook
      meta_name: probe
      dj_configs:
        seconds: 0.3
        dataset_path: data.jsonl
        process: [{length_filter: {min_len: 0}}]
      extra_configs: {type: slow_analyzer}
    execution_job_configs:
    - {hook: Task, meta_name: own, extra_configs: {word: left, seconds: 0.2}}
    - hook: ProcessDataHook
      meta_name: process
      dj_configs: &recipe
        seconds: 0.3
        dataset_path: data.jsonl
        export_path: out/kept.jsonl
        process: [{length_filter: {min_len: 3}}]
      extra_configs: &type {type: slow_processor}
- right:
    probe_job_configs: *shared
    execution_job_configs:
    - {hook: Task, meta_name: own, extra_configs: {word: right, seconds: 0.2}}
- late:
    probe_job_configs: *shared
    execution_job_configs:
    - {hook: Task, meta_name: own, extra_configs: {word: late, seconds: 0.2}}
    - {hook: ProcessDataHook, meta_name: again, dj_configs: *recipe, extra_configs: *type}
"""
ONCE = Counter(probe=1, left=1, right=1, late=1, process=1)
JOBS = 8


@pytest.mark.parametrize(
    ("runs", "workers"),
    [(3, 1), (2, 3), (2, 0)],
)
def test_runs_at_once_share_their_jobs(place, runs, workers):
    shared = place(text=SHARED)
    processes = [shared.start("--workers", workers) for _ in range(runs)]
    for process in processes:
        ended = shared.end(process)
        assert ended.returncode == 0, ended.stderr
    assert shared.ran() == ONCE
    assert [run["status"] for run in shared.listed()] == ["finished"] * runs
    assert len({run.folder for run in shared.runs()}) == runs
    statuses, outputs = Counter(), []
    for number in range(runs):
        jobs = shared.jobs(number)
        statuses.update(job.status for job in jobs)
        outputs.append([(job.position, shared.by_content(job.outputs)) for job in jobs])
    assert statuses == {"finished": len(ONCE), "cached": JOBS * runs - len(ONCE)}
    assert all(one == outputs[0] for one in outputs)
    assert list(shared.named()) == ["out/kept.jsonl"]
    shared.check_nothing_is_left()


HELD = "work_dir: w\nexecution_job_configs:\n- {hook: Task, extra_configs: {act: hold}}\n"


@pytest.fixture
def waiting(place):
    """Return a place with two runs: one that executes a job, and one that waits for it."""
    shared = place(text=HELD)
    shared.write("", "hold")
    first = shared.start()
    shared.wait_for(shared.ran)
    second = shared.start()
    shared.wait_for(lambda: len(list((shared.folder / "w" / "runs").glob("*/01-*"))) == 2)
    return shared, first, second


def test_a_run_that_waits_for_a_killed_one_takes_over(waiting):
    shared, first, second = waiting
    first.kill()
    shared.wait_for(lambda: shared.ran().total() == 2)
    (shared.folder / "hold").unlink()
    ended = shared.end(second)
    assert ended.returncode == 0, ended.stderr
    assert shared.ran() == Counter({"task": 2, "task tidied": 1})
    shared.check_nothing_is_left()


def test_a_run_that_waits_can_be_interrupted(waiting):
    shared, first, second = waiting
    second.send_signal(signal.SIGINT)
    assert shared.end(second).returncode == 130
    assert first.poll() is None
    (shared.folder / "hold").unlink()
    assert shared.end(first).returncode == 0
    assert shared.ran() == Counter(["task", "task tidied"])
    shared.check_nothing_is_left()


FORKED = """
work_dir: w
pipelines:
- base:
    probe_job_configs:
    - {hook: Task, meta_name: seed, extra_configs: {word: base, seconds: 0.2}}
- one:
    execution_job_configs:
    - hook: Task
      meta_name: work
      input: {extra_configs.after.0: base.seed.path}
      extra_configs: {word: one, seconds: 0.3, after: [data.jsonl]}
- two:
    execution_job_configs:
    - hook: Task
      meta_name: work
      input: {extra_configs.after.0: base.seed.path}
      extra_configs: {word: two, after: [data.jsonl]}
- alone:
    probe_job_configs:
    - hook: ProbeViaAnalyzerHook
      meta_name: probe
      dj_configs: {dataset_path: data.jsonl, process: [{length_filter: {min_len: 2}}]}
      extra_configs: {type: slow_analyzer}
    refine_recipe_job_configs:
    - hook: RefineRecipeViaKSigmaHook
      meta_name: probe
      dj_configs:
        dataset_path: data.jsonl
        export_path: out/kept.jsonl
        process: [{length_filter: {min_len: 2}}]
      extra_configs: {type: slow_refiner, path_k_sigma_recipe: out/refined.yaml}
- files:
    execution_job_configs:
    - hook: ProcessDataHook
      meta_name: process
      input: {dj_configs: alone.probe.refined_recipe_path}
      output: kept
      extra_configs: {type: slow_processor}
- join:
    execution_job_configs:
    - hook: TrainModelHook
      meta_name: train
      input: {extra_configs.train_dataset: files.process.kept}
      extra_configs: {type: slow_trainer, work_dir: out/model}
    evaluation_job_configs:
    - hook: Task
      meta_name: ends
      input:
        extra_configs.after.0: two.work.path
        extra_configs.after.1: one.work.path
      extra_configs: {word: ends, after: [data.jsonl, data.jsonl]}
    - hook: EvaluateModelHook
      meta_name: score
      input: {extra_configs.model_path: -2.model_path}
      extra_configs: {type: slow_score}
"""


def test_results_do_not_depend_on_the_number_of_workers(place):
    found = []
    for workers in (0, 1, 3):
        one = place(f"workers-{workers}", FORKED)
        one.succeed("--workers", workers)
        infos = json.loads((one.folder / "w" / "context_infos.json").read_text())
        found.append((one.results(), one.named(), one.by_content(infos)))
        assert one.ran().total() == 9
    results, named, (iteration,) = found[0]
    assert len(results) == 9
    assert len(named) == 7
    assert len(iteration["pipeline_infos"]) == 6
    assert found[0] == found[1] == found[2]
