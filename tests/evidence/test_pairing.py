"""Whether two jobs measured the same samples."""

import json
import shutil

import pytest

from djsb.evidence.pairing import have_same_data

EVALUATE = """
work_dir: w
evaluation_job_configs:
- hook: EvaluateDataHook
  meta_name: eval
  extra_configs: {{type: lab_lengths, dataset_path: {data}}}
"""


@pytest.fixture
def evaluate(lab):
    """Return a function that evaluates a dataset and gives the recorded job."""

    def run(data):
        return lab.jobs(lab.run(EVALUATE.format(data=data)))["eval"]

    return run


def write(lab, name, lengths):
    lab.write(name, "".join(json.dumps({"text": "x" * length}) + "\n" for length in lengths))


def test_a_file_that_has_changed_holds_other_samples(lab, evaluate):
    write(lab, "d.jsonl", [1, 2, 3])
    before = evaluate("d.jsonl")
    write(lab, "d.jsonl", [3, 2, 1])
    after = evaluate("d.jsonl")
    assert before.settings == after.settings
    assert not have_same_data(before, after)


def test_a_copy_of_a_file_holds_the_same_samples(lab, evaluate):
    write(lab, "d.jsonl", [1, 2, 3])
    write(lab, "e.jsonl", [1, 2, 3])
    assert have_same_data(evaluate("d.jsonl"), evaluate("e.jsonl"))


def test_without_the_cache_the_settings_decide(lab, evaluate):
    write(lab, "d.jsonl", [1, 2, 3])
    write(lab, "e.jsonl", [1, 2, 3])
    jobs = [evaluate(name) for name in ("d.jsonl", "d.jsonl", "e.jsonl")]
    shutil.rmtree(jobs[2].files.parent)
    assert have_same_data(*jobs[:2])
    assert not have_same_data(*jobs[1:])


def test_jobs_without_settings_that_name_data_have_the_same(history):
    run = history.add(history.score(0.5, "a"), history.score(0.6, "b"))
    assert have_same_data(*history.store.jobs(run.id))
