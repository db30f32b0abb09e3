"""Whole runs that repeat their pipelines until a target is met."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from djsb.report.show import run_json, run_text
from djsb.report.summary import summarize
from djsb_core.errors import DjsbError, JobError

COUNT = """
from djsb_core.api import ComponentConfig, Hook, OutputPath


class Config(ComponentConfig):
    number: int = 1
    out: OutputPath | None = None
    counter: str = ""


class Count(Hook):
    config_type = Config
    output_names = ("next", "scores")
    asks_for_metrics = False

    def run(self, context):
        number = self.config.number
        if self.config.counter:
            with open(self.config.counter, "a") as file:
                file.write(f"{number}\\n")
        if self.config.out:
            self.config.out.write_text(str(number))
        context.watcher.watch(number, "number")
        return number + 1, {"score": number / 10, "deep": {"name": "x"}}
"""

TEXT = """
work_dir: w
max_iter_num: %s
iter_targets: [%s]
%s
execution_job_configs:
- hook: Count
  meta_name: count
  extra_configs: {number: 1, counter: ran.txt, out: out/number.txt}
- hook: Echo
  meta_name: read
  extra_configs: {file: out/number.txt}
"""
UPDATER = "iter_updater: {anonymous.count.next: anonymous.count.extra_configs.number}"


@pytest.fixture
def iterate(install, lab):
    """Return a function that runs an experiment whose job counts from iteration to iteration."""
    install("counting", COUNT, "[djsb.hooks]\nCount = counting:Count\n")

    def run(most, *targets, more=UPDATER, change=lambda text: text, **options):
        marked = ", ".join(f"'anonymous.count.{one}'" for one in targets)
        return lab.run(change(TEXT % (most, marked, more)), **options)

    return run


@pytest.fixture
def rows(lab):
    """Return a function that lists the recorded jobs of a run."""

    def list_jobs(run):
        with closing(lab.store(run)) as store:
            return store.jobs(run.id)

    return list_jobs


def ran():
    return Path("ran.txt").read_text().split()


@pytest.mark.parametrize("most", [0, 9])
def test_it_stops_when_the_target_is_met(iterate, most):
    run = iterate(most, "scores.score >= 0.3")
    assert (run.status, run.reason) == ("finished", "1 of 1 target met after iteration 3")
    assert ran() == ["1", "2", "3"]


@pytest.mark.parametrize(("mode", "last"), [("any", 2), ("all", 4)])
def test_any_or_all_targets(iterate, mode, last):
    more = f"{UPDATER}\niter_targets_mode: {mode}"
    run = iterate(9, "scores.score >= 0.2", "next > 4", more=more)
    count = 1 if mode == "any" else 2
    assert run.reason == f"{count} of 2 targets met after iteration {last}"
    assert len(ran()) == last


def test_it_stops_at_the_last_iteration(iterate):
    run = iterate(2, "scores.score >= 0.9", "next > 1")
    assert run.status == "finished"
    assert run.reason == (
        "max_iter_num: 2 reached with 1 of 2 targets met; "
        "not met: anonymous.count.scores.score >= 0.9 (is 0.2)"
    )


def test_one_iteration_may_have_targets(iterate, lab):
    run = iterate(1, "next > 5", more="")
    assert run.reason.startswith("max_iter_num: 1 reached with 0 of 1 target met")
    assert Path("out/number.txt").read_text() == "1"
    assert (run.folder / "01-count").is_dir()


def test_it_stops_where_it_would_repeat_itself(iterate, lab, rows):
    run = iterate(9, "next > 5", more="")
    assert run.reason == ("0 of 1 target met, but another iteration would repeat iteration 2")
    assert [job.status for job in rows(run)] == ["finished"] * 2 + ["cached"] * 2


def test_jobs_that_run_every_time_may_give_something_else(iterate):
    def refuse(text):
        return text.replace("meta_name: read", "meta_name: read\n  cache: false")

    assert iterate(4, "next > 5", more="", change=refuse).reason.startswith("max_iter_num: 4")


def test_without_targets_it_repeats_as_often_as_it_is_told(iterate):
    assert iterate(3).reason == "max_iter_num: 3 iterations done"
    assert ran() == ["1", "2", "3"]


def test_the_first_iteration_has_the_value_of_the_file_and_the_next_that_of_the_last(iterate, rows):
    jobs = [job for job in rows(iterate(3)) if job.meta_name == "count"]
    assert [job.iteration for job in jobs] == [1, 2, 3]
    assert [job.settings["extra_configs"]["number"] for job in jobs] == [1, 2, 3]


def test_each_iteration_has_its_own_folders_and_reads_its_own_results(iterate, rows):
    run = iterate(3)
    jobs = rows(run)
    assert [job.folder.relative_to(run.folder).as_posix() for job in jobs] == [
        f"iter_{i}/{name}" for i in (1, 2, 3) for name in ("01-count", "02-read")
    ]
    assert [Path(f"out/iter_{i}/number.txt").read_text() for i in (1, 2, 3)] == ["1", "2", "3"]
    assert not Path("out/number.txt").exists()
    assert [job.outputs["text"] for job in jobs if job.meta_name == "read"] == ["1", "2", "3"]


@pytest.mark.parametrize("most", [1, 2])
def test_a_published_config_may_name_the_folder_of_the_first_iteration(iterate, rows, most):
    run = iterate(most, change=lambda text: text.replace("{file: out/", "{file: out/iter_1/"))
    assert [job.outputs["text"] for job in rows(run) if job.meta_name == "read"] == ["1"] * most


def test_a_score_that_is_no_number_fails_the_run_and_says_why(iterate, last_run, lab, rows):
    with pytest.raises(DjsbError) as caught:
        iterate(3, "scores.deep > 1")
    assert "'scores.deep' is not a number; did you mean 'scores.score'?" in str(caught.value)
    run = last_run()
    assert (run.status, run.reason) == ("failed", str(caught.value))
    assert [job.status for job in rows(run)] == ["finished"] * 2
    with closing(lab.store(run)) as store:
        assert f"Failed: {run.reason}" in run_text(store, run)


def test_a_failure_ends_the_iterations(iterate, last_run, rows):
    def fail(text):
        return text.replace("file: out/number.txt", "mode: raise")

    with pytest.raises(JobError):
        iterate(3, change=fail)
    assert [job.iteration for job in rows(last_run())] == [1, 1]


def test_targets_are_recorded(iterate, lab):
    run = iterate(9, "scores.score >= 0.2", "next > 1")
    with closing(lab.store(run)) as store:
        found = [(one.iteration, one.target, one.value, one.met) for one in store.targets(run.id)]
    assert found == [
        (1, "anonymous.count.scores.score >= 0.2", 0.1, False),
        (1, "anonymous.count.next > 1", 2.0, True),
        (2, "anonymous.count.scores.score >= 0.2", 0.2, True),
        (2, "anonymous.count.next > 1", 3.0, True),
    ]


def test_the_reports_tell_of_targets_and_iterations(iterate, lab):
    run = iterate(9, "scores.score >= 0.2")
    with closing(lab.store(run)) as store:
        texts = summarize(store, run.id), run_text(store, run)
        found = json.loads(json.dumps(run_json(store, run)))
    for text in texts:
        (row,) = [line for line in text.splitlines() if "scores.score" in line]
        assert row.split()[-3:] == ["0.1", "0.2", "met"]
        assert "\nStopped: 1 of 1 target met after iteration 2.\n" in text
        header = next(line for line in text.splitlines() if "stage" in line)
        assert header.split()[0] == "iter"
    assert f"{lab.folder}/out/iter_2/number.txt" not in texts[0]
    assert found["reason"] == "1 of 1 target met after iteration 2"
    assert [one["value"] for one in found["targets"]] == [0.1, 0.2]
    assert [job["iteration"] for job in found["jobs"]] == [1, 1, 2, 2]
    assert "\ncount (Count)\n" in texts[1]


def test_the_published_record_has_every_iteration(iterate):
    iterate(2)
    infos = json.loads(Path("w/context_infos.json").read_text())
    assert [one["iter"] for one in infos] == [1, 2]
    jobs = [one["pipeline_infos"][0]["job_infos"] for one in infos]
    assert [[job["meta_name"] for job in one] for one in jobs] == [["count", "read"]] * 2
    assert [one[0]["next"] for one in jobs] == [2, 3]


def test_a_second_run_replays_every_iteration(iterate, rows, lab):
    first = iterate(9, "scores.score >= 0.3")
    before = {path: path.read_text() for path in Path("out").rglob("number.txt")}
    for path in before:
        path.unlink()
    second = iterate(9, "scores.score >= 0.3")
    assert second.reason == first.reason
    assert {job.status for job in rows(second)} == {"cached"}
    assert ran() == ["1", "2", "3"]
    assert {path: path.read_text() for path in Path("out").rglob("number.txt")} == before
    with closing(lab.store(second)) as store:
        assert store.targets(second.id) == store.targets(first.id)
        metrics = [store.metrics(job.id) for job in rows(second) if job.meta_name == "count"]
    assert metrics == [{"number": 1}, {"number": 2}, {"number": 3}]


def test_more_iterations_go_on_from_those_that_are_done(iterate, rows):
    iterate(2)
    run = iterate(4)
    assert [job.status for job in rows(run)] == ["cached"] * 4 + ["finished"] * 4
    assert ran() == ["1", "2", "3", "4"]


def test_a_second_run_with_force_counts_anew(iterate):
    iterate(2)
    iterate(2, force=True)
    assert ran() == ["1", "2", "1", "2"]
