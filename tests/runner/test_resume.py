import os
import shutil
from pathlib import Path

import pytest

from djsb_core.errors import JobError

CHAIN = """
work_dir: w
execution_job_configs:
- hook: Echo
  meta_name: first
  extra_configs: {file: in.txt, out: mid.txt, counter: ran.txt}
- hook: Echo
  meta_name: second
  input: {extra_configs.file: -1.text}
  extra_configs: {counter: ran.txt}
"""


@pytest.fixture
def chain(lab):
    """Return a function that runs the chain with ``--resume`` and gives the two statuses."""
    lab.write("in.txt", "one")

    def run(text=CHAIN, **options):
        return lab.statuses(lab.run(text, **{"resume": True, **options}))

    assert run(resume=False) == ["finished", "finished"]
    return run


def test_finished_jobs_are_reused(lab, chain):
    assert chain() == ["cached", "cached"]
    assert chain() == ["cached", "cached"]
    assert Path("ran.txt").read_text() == "ran\n" * 2


def test_nothing_is_reused_unless_asked(chain):
    assert chain(resume=False) == ["finished", "finished"]


def test_the_file_may_ask_for_it(chain):
    assert chain(f"resume: true\n{CHAIN}", resume=False) == ["cached", "cached"]


def test_a_changed_input_file_runs_all_that_depends_on_it(lab, chain):
    lab.write("in.txt", "two")
    assert chain() == ["finished", "finished"]


def test_a_touched_input_file_changes_nothing(lab, chain):
    lab.write("in.txt", "one")
    os.utime("in.txt", (1, 1))
    assert chain() == ["cached", "cached"]


def test_a_changed_setting_runs_its_job_and_no_other_if_the_result_is_the_same(chain):
    assert chain(CHAIN.replace("file: in.txt", "text: x, file: in.txt")) == ["finished", "cached"]


def test_a_changed_setting_runs_what_its_changed_result_changes(chain):
    changed = CHAIN.replace("file: in.txt", "text: x")
    assert chain(changed) == ["finished", "finished"]
    assert chain(changed) == ["cached", "cached"]


def test_a_second_job_alone_may_change(chain):
    assert chain(CHAIN.replace("{counter: ran.txt}\n", "{counter: ran.txt, number: 3}\n")) == [
        "cached",
        "finished",
    ]


def test_a_result_that_was_changed_by_hand_is_made_anew(lab, chain):
    lab.write("mid.txt", "tampered")
    assert chain() == ["finished", "cached"]
    assert Path("mid.txt").read_text() == "one"


def test_a_result_that_was_deleted_is_made_anew(chain):
    Path("mid.txt").unlink()
    assert chain() == ["finished", "cached"]


def test_an_older_run_serves_too(lab, chain):
    lab.write("in.txt", "two")
    assert chain() == ["finished", "finished"]
    lab.write("in.txt", "one")
    assert chain() == ["finished", "cached"]  # mid.txt has changed since


def test_a_run_goes_on_after_a_failure(lab, last_run):
    text = lab.echo("counter: ran.txt", "mode: raise")
    with pytest.raises(JobError):
        lab.run(text)
    with pytest.raises(JobError):
        lab.run(text, resume=True)
    assert lab.statuses(last_run()) == ["cached", "failed"]
    assert lab.statuses(lab.run(text.replace("raise", "echo"), resume=True)) == [
        "cached",
        "finished",
    ]
    assert Path("ran.txt").read_text() == "ran\n"


def test_a_whole_experiment_resumes(lab):
    first = lab.run()
    second = lab.run(None, resume=True)
    assert set(lab.statuses(second)) == {"cached"}
    old, new = lab.jobs(first), lab.jobs(second)
    assert {name: job.outputs for name, job in old.items()} == {
        name: job.outputs for name, job in new.items()
    }
    store = lab.store(second)
    for name in old:
        assert store.points(old[name].id) == store.points(new[name].id)
        assert store.samples(old[name].id) == store.samples(new[name].id)
    assert [p.value for p in store.points(new["train_model"].id, "loss")] == [1.0, 1 / 2, 1 / 3]


def test_a_changed_probe_refines_anew(lab):
    lab.run()
    lab.write("data.jsonl", '{"text": "xxxx"}\n{"text": "xx"}\n')
    jobs = lab.jobs(lab.run(None, resume=True))
    assert jobs["eval_before"].outputs == {"scores": {"mean_len": 3.0}}
    assert jobs["eval_data"].outputs == {"scores": {"mean_len": 4.0}}
    assert {job.status for job in jobs.values()} == {"finished"}


def test_a_job_that_asks_for_metrics_runs_again_if_an_earlier_job_changed(lab):
    text = lab.SCORES + "work_dir: w\n"
    lab.run(text)
    assert set(lab.statuses(lab.run(text, resume=True))) == {"cached"}
    found = "{type: lab_findings, found: {score: 1.0, nested: {list: [1, 2]}}}"
    jobs = lab.jobs(lab.run(text.replace("{type: lab_findings}", found), resume=True))
    assert [job.status for job in jobs.values()] == ["finished", "cached", "finished"]
    assert jobs["ask"].outputs == {"metrics": {"score": 1.0}}


def test_runs_whose_folders_were_deleted_do_not_stop_a_resume(lab):
    shutil.rmtree(lab.run().folder)
    second = lab.run(None, resume=True)
    assert lab.jobs(second)["train_model"].status == "finished"
    assert second.status == "finished"


def test_a_text_that_looks_like_a_long_path_is_a_text(lab):
    text = "/" + "word " * 100
    run = lab.run(lab.echo(f"text: '{text}'"))
    assert lab.jobs(run)["j0"].outputs == {"text": text}
