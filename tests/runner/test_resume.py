import os
import shutil
from pathlib import Path

import pytest

from djsb_core.errors import JobError, RequestError

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
    """Return a function that runs the chain and gives the two statuses."""
    lab.write("in.txt", "one")

    def run(text=CHAIN, **options):
        return lab.statuses(lab.run(text, **options))

    assert run() == ["finished", "finished"]
    return run


def test_finished_jobs_are_reused(lab, chain):
    assert chain() == ["cached", "cached"]
    assert chain() == ["cached", "cached"]
    assert Path("ran.txt").read_text() == "ran\n" * 2


def test_force_executes_every_job(chain):
    assert chain(force=True) == ["finished", "finished"]
    assert chain() == ["cached", "cached"]


@pytest.mark.parametrize("name", ["first", "anonymous.first"])
def test_rerun_executes_one_job(chain, name):
    assert chain(rerun=frozenset({name})) == ["finished", "cached"]


def test_rerun_knows_the_jobs(lab, chain):
    with pytest.raises(RequestError, match="rerun: no such job 'frist'; did you mean 'first'"):
        chain(rerun=frozenset({"frist"}))


def test_without_the_cache_nothing_is_reused_or_kept(lab, chain):
    before = sorted((lab.folder / "w" / "cache").rglob("DONE.json"))
    assert chain(cache=False) == ["finished", "finished"]
    assert sorted((lab.folder / "w" / "cache").rglob("DONE.json")) == before
    assert Path("ran.txt").read_text() == "ran\n" * 4


def test_a_job_may_refuse_the_cache(chain):
    text = CHAIN.replace("meta_name: first", "meta_name: first\n  cache: false")
    assert chain(text) == ["finished", "cached"]
    assert chain(text) == ["finished", "cached"]


@pytest.mark.parametrize("word", ["true", "false"])
def test_the_published_key_is_what_every_run_does(chain, word):
    assert chain(f"resume: {word}\n{CHAIN}") == ["cached", "cached"]


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


def test_a_result_that_was_deleted_is_put_in_its_place_again(chain):
    Path("mid.txt").unlink()
    assert chain() == ["cached", "cached"]
    assert Path("mid.txt").read_text() == "one"


def test_a_result_may_be_put_elsewhere(chain):
    assert chain(CHAIN.replace("mid.txt", "sub/mid.txt")) == ["cached", "cached"]
    assert Path("sub/mid.txt").read_text() == "one"


def test_an_older_run_serves_too(lab, chain):
    lab.write("in.txt", "two")
    assert chain() == ["finished", "finished"]
    lab.write("in.txt", "one")
    assert chain() == ["cached", "cached"]
    assert Path("mid.txt").read_text() == "one"


def test_a_run_goes_on_after_a_failure(lab, last_run):
    text = lab.echo("counter: ran.txt", "mode: raise")
    with pytest.raises(JobError):
        lab.run(text)
    with pytest.raises(JobError):
        lab.run(text)
    assert lab.statuses(last_run()) == ["cached", "failed"]
    assert lab.statuses(lab.run(text.replace("raise", "echo"))) == [
        "cached",
        "finished",
    ]
    assert Path("ran.txt").read_text() == "ran\n"


def test_a_whole_experiment_resumes(lab):
    first = lab.run()
    second = lab.run(None)
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
    jobs = lab.jobs(lab.run(None))
    assert jobs["eval_before"].outputs == {"scores": {"mean_len": 3.0}}
    assert jobs["eval_data"].outputs == {"scores": {"mean_len": 4.0}}
    assert {job.status for job in jobs.values()} == {"finished"}


def test_a_job_that_asks_for_metrics_runs_again_if_an_earlier_job_changed(lab):
    text = lab.SCORES + "work_dir: w\n"
    lab.run(text)
    assert set(lab.statuses(lab.run(text))) == {"cached"}
    found = "{type: lab_findings, found: {score: 1.0, nested: {list: [1, 2]}}}"
    jobs = lab.jobs(lab.run(text.replace("{type: lab_findings}", found)))
    assert [job.status for job in jobs.values()] == ["finished", "cached", "finished"]
    assert jobs["ask"].outputs == {"metrics": {"score": 1.0}}


def test_what_was_deleted_from_the_cache_is_made_anew(lab):
    first = lab.run()
    shutil.rmtree(lab.jobs(first)["train_model"].files)
    second = lab.run()
    statuses = {name: job.status for name, job in lab.jobs(second).items()}
    assert statuses.pop("train_model") == "finished"
    assert set(statuses.values()) == {"cached"}


def test_runs_whose_folders_were_deleted_do_not_stop_another(lab):
    shutil.rmtree(lab.run().folder)
    assert set(lab.statuses(lab.run())) == {"cached"}


def test_a_reused_job_says_which_run_executed_it_and_shows_its_log(lab):
    first, second = lab.run(), lab.run()
    old, new = lab.jobs(first)["train_model"], lab.jobs(second)["train_model"]
    assert (old.source_run, new.source_run) == (None, first.id)
    assert "C speaks" in (new.folder / "log.txt").read_text()
    assert (new.folder / "files").resolve() == old.files == new.files


def test_a_text_that_looks_like_a_long_path_is_a_text(lab):
    text = "/" + "word " * 100
    run = lab.run(lab.echo(f"text: '{text}'"))
    assert lab.jobs(run)["j0"].outputs == {"text": text}
