"""What ends a run, a job, or an attempt before its time; and how the run goes on."""

import os
import random
import re
import signal
import time
from collections import Counter

import pytest

GO_ON = "Finished jobs are kept; resume with: djsb run sandbox.yaml"


def assert_it_says_how_to_resume(stderr):
    *_, interrupted, advice = stderr.splitlines()
    assert interrupted == "Interrupted."
    assert re.fullmatch(rf"{re.escape(GO_ON)}( --workers [0-9])?( --keep-going)?", advice)


WAITING = """
work_dir: w
execution_job_configs:
- {hook: Task, meta_name: first, extra_configs: {word: first}}
- {hook: Task, meta_name: wait, extra_configs: {word: wait, act: hold}}
"""
SIGNALS = {
    "Ctrl-C": lambda process: os.killpg(process.pid, signal.SIGINT),
    "SIGINT to the parent": lambda process: process.send_signal(signal.SIGINT),
    "SIGTERM to the parent": lambda process: process.send_signal(signal.SIGTERM),
}


def begin(place, text, *options, words=("wait",)):
    """Start an experiment and return its process when jobs have begun that wait."""
    held = place(text=text)
    held.write("", "hold")
    process = held.start(*options)
    held.wait_for(lambda: set(words) <= set(held.ran()) or process.poll() is not None)
    assert process.poll() is None, process.stderr.read()
    return held, process


def resume(held, *options):
    (held.folder / "hold").unlink()
    return held.succeed(*options)


@pytest.mark.parametrize(
    ("send", "workers"),
    [*((name, 1) for name in SIGNALS), ("Ctrl-C", 0), ("SIGTERM to the parent", 0)],
)
def test_a_signal_ends_the_job_cleanly_and_keeps_what_is_finished(place, send, workers):
    held, process = begin(place, WAITING, "--workers", workers)
    SIGNALS[send](process)
    ended = held.end(process)
    assert ended.returncode == 130
    assert ended.stdout == ""
    assert_it_says_how_to_resume(ended.stderr)
    assert "execution: wait (Task) interrupted after" in ended.stderr
    assert held.ran() == Counter(["first", "wait", "wait tidied"])
    assert [run.status for run in held.runs()] == ["interrupted"]
    assert held.statuses() == ["finished", "interrupted"]
    held.check_nothing_is_left()
    resume(held)
    assert held.statuses() == ["cached", "finished"]
    assert held.ran() == Counter({"first": 1, "wait": 2, "wait tidied": 2})


@pytest.mark.parametrize("both", [signal.SIGINT, signal.SIGTERM])
def test_twice_kills_a_job_that_does_not_listen_with_all_its_processes(place, both):
    text = WAITING.replace("act: hold", "act: stubborn")
    held, process = begin(place, text, words=("wait is deaf",))
    os.killpg(process.pid, both)
    assert "press Ctrl-C again to kill" in read_until(process, "again")
    assert process.poll() is None
    os.killpg(process.pid, both)
    ended = held.end(process)
    assert ended.returncode == 130
    assert_it_says_how_to_resume(ended.stderr)
    held.check_nothing_is_left()
    assert held.statuses() == ["finished", "interrupted"]
    resume(held)
    assert held.statuses() == ["cached", "finished"]


STUCK = """
import time
from djsb_core.api import hookimpl

@hookimpl
def djsb_job_finished(job):
    open("stuck", "w").close()
    time.sleep(300)
"""


def test_a_third_time_ends_a_run_that_cannot_end_itself(place, install):
    install("djsb_stuck", STUCK, "[djsb.listeners]\nstuck = djsb_stuck")
    held = place(text=WAITING)
    process = held.start()
    held.wait_for((held.folder / "stuck").exists)
    for _ in range(3):
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert held.end(process).returncode == -signal.SIGINT
    held.check_nothing_is_left()
    assert held.listed()[0]["status"] == "killed"
    assert [record["meta_name"] for record in held.records()] == ["first"]


@pytest.mark.parametrize("workers", [0, 1])
def test_half_a_result_of_a_job_that_stops_early_is_not_kept(place, workers):
    held, process = begin(
        place, WAITING.replace("act: hold", "act: stop_early"), "--workers", workers
    )
    os.killpg(process.pid, signal.SIGINT)
    assert held.end(process).returncode == 130
    assert held.statuses() == ["finished", "interrupted"]
    assert [record["meta_name"] for record in held.records()] == ["first"]


def read_until(process, word):
    """Read the lines of standard error up to the one that has a word."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if word in line:
            break
    return "".join(lines)


@pytest.mark.parametrize(
    ("workers", "times"),
    [(0, 3), (1, 3), pytest.param(1, 30, marks=pytest.mark.slow)],
)
def test_an_interrupt_at_any_moment_is_no_traceback(place, five_jobs, workers, times):
    """Once or twice in a short time, from the first moment of the run to its last."""
    disturbed = place(text=five_jobs)
    choose = random.Random(5)  # noqa: S311 (the same moments each time)
    for i in range(times):
        process = disturbed.start("--workers", workers)
        disturbed.wait_for(lambda known=i: len(disturbed.folders()) > known)
        time.sleep(choose.uniform(0, 0.5))
        for _ in range(choose.randint(1, 2)):
            os.killpg(process.pid, choose.choice([signal.SIGINT, signal.SIGTERM]))
            time.sleep(choose.uniform(0, 0.05))
        ended = disturbed.end(process)
        if ended.returncode == 0:  # it was too late to interrupt it
            assert disturbed.runs()[0].status == "finished"
        else:  # the second one may meet a process that has said all and is about to exit
            assert ended.returncode in (130, -signal.SIGINT, -signal.SIGTERM)
            assert_it_says_how_to_resume(ended.stderr)
        assert disturbed.runs()[0].status != "running"
        disturbed.check_nothing_is_left()
    disturbed.succeed()
    assert len(disturbed.records()) == len(disturbed.attempts()) == 5
    assert len(disturbed.named()) == 7


TWO = """
work_dir: w
pipelines:
- left:
    execution_job_configs:
    - {hook: Task, meta_name: job, extra_configs: {word: left, act: hold}}
- right:
    execution_job_configs:
    - {hook: Task, meta_name: job, extra_configs: {word: right, act: hold}}
- late:
    execution_job_configs:
    - {hook: Task, meta_name: job, extra_configs: {word: late}}
"""


def test_pipelines_side_by_side_are_all_ended(place):
    held, process = begin(place, TWO, "--workers", 2, words=("left", "right"))
    os.killpg(process.pid, signal.SIGINT)
    ended = held.end(process)
    assert ended.returncode == 130
    assert_it_says_how_to_resume(ended.stderr)
    assert held.ran() == Counter(["left", "right", "left tidied", "right tidied"])
    held.check_nothing_is_left()
    resume(held, "--workers", 2)
    assert held.statuses() == ["finished"] * 3


def test_an_interrupt_leaves_no_half_of_a_named_result(place):
    text = """
        work_dir: w
        execution_job_configs:
        - hook: ProcessDataHook
          meta_name: process
          dj_configs:
            seconds: 1
            dataset_path: data.jsonl
            export_path: out/kept.jsonl
            process: [{length_filter: {min_len: 0}}]
          extra_configs: {type: slow_processor}
    """
    held, process = begin(place, text, words=("process",))
    grown = held.wait_for(
        lambda: [one for one in held.cache.rglob("kept.jsonl") if one.stat().st_size]
    )
    os.killpg(process.pid, signal.SIGINT)
    assert held.end(process).returncode == 130
    assert held.named() == {}
    assert held.records() == []
    half = grown[0].read_text()
    held.succeed()
    whole = (held.folder / "out" / "kept.jsonl").read_text()
    assert whole.startswith(half)
    assert len(half) < len(whole)
    assert len(held.attempts()) == 1


FAILING = """
work_dir: w
pipelines:
- good:
    execution_job_configs:
    - {hook: Task, meta_name: job, extra_configs: {word: good}}
- bad:
    execution_job_configs:
    - {hook: Task, meta_name: breaks, extra_configs: {word: bad, act: fail}}
    - {hook: Task, meta_name: after, extra_configs: {word: never}}
- needs_bad:
    execution_job_configs:
    - hook: Task
      meta_name: job
      input: {extra_configs.word: bad.after.path}
      extra_configs: {word: never}
- free:
    execution_job_configs:
    - {hook: Task, meta_name: job, extra_configs: {word: free}}
- worse:
    execution_job_configs:
    - {hook: Task, meta_name: also, extra_configs: {word: worse, act: fail}}
"""


@pytest.mark.parametrize("workers", [0, 3])
def test_keep_going_runs_all_that_does_not_need_what_failed(place, workers):
    mixed = place(text=FAILING)
    ran = mixed.run("--keep-going", "--workers", workers)
    assert ran.returncode == 1
    assert mixed.ran() == Counter(["good", "bad", "free", "worse"])
    assert ran.stderr.count("Error: 2 jobs failed") == 1
    assert "job 'breaks' failed: ValueError: it broke" in ran.stderr.replace("RemoteError: ", "")
    assert "job 'also' failed: ValueError: it broke" in ran.stderr.replace("RemoteError: ", "")
    assert ran.stderr.splitlines()[-1] == f"{GO_ON} --workers {workers} --keep-going"
    mixed.check_nothing_is_left()
    again = mixed.run("--keep-going", "--workers", workers)
    assert again.returncode == 1
    assert mixed.ran() == Counter(good=1, bad=2, free=1, worse=2)


@pytest.mark.parametrize("workers", [0, 1])
def test_without_it_no_further_pipeline_starts(place, workers):
    mixed = place(text=FAILING)
    ran = mixed.run("--workers", workers)
    assert ran.returncode == 1
    assert mixed.ran() == Counter(["good", "bad"])
    errors = [line for line in ran.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert "job 'breaks' failed: " in errors[0]


def test_a_timeout_ends_a_job_with_its_processes(place):
    slow = place(
        text="work_dir: w\nexecution_job_configs:\n"
        "- {hook: Task, meta_name: nap, timeout: 1s, extra_configs: {act: too_long}}\n"
    )
    ran = slow.run()
    assert ran.returncode == 1
    message = "Error: job 'nap' failed: took longer than its timeout of 1 s"
    assert message in ran.stderr.splitlines()
    assert slow.statuses() == ["failed"]
    assert slow.records() == []
    slow.check_nothing_is_left()


RETRIED = """
work_dir: w
execution_job_configs:
- {hook: Task, meta_name: shaky, retries: 2, extra_configs: {act: fail_at_first, number: 2}}
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_retries_go_on_until_an_attempt_succeeds(place, workers):
    shaky = place(text=RETRIED)
    shaky.succeed("--workers", workers)
    assert shaky.ran() == Counter(task=3)
    (job,) = shaky.jobs()
    assert job.status == "finished"
    assert shaky.metrics(job) == {"tries": 3.0}
    log = (shaky.folder / "w" / "runs").glob("*/01-shaky/log.txt")
    text = next(log).read_text()
    assert text.index("attempt 1 of 3 failed: ") < text.index("attempt 2 of 3 failed: ")
    assert "try 2 broke" in text
    assert "attempt 3" not in text
    assert len(shaky.attempts()) == 1
    shaky.succeed("--workers", workers)
    assert shaky.ran() == Counter(task=3)
    (job,) = shaky.jobs()
    assert (job.status, shaky.metrics(job)) == ("cached", {"tries": 3.0})


def test_retries_are_not_endless(place):
    shaky = place(text=RETRIED.replace("number: 2", "number: 9"))
    ran = shaky.run()
    assert ran.returncode == 1
    assert shaky.ran() == Counter(task=3)
    assert "try 3 broke" in ran.stderr
    assert shaky.statuses() == ["failed"]


def test_a_wrong_request_runs_nothing(place):
    wrong = place(text=WAITING.replace("act:", "atc:"))
    ran = wrong.run()
    assert ran.returncode == 2
    assert "sandbox.yaml:5: " in ran.stderr
    assert not (wrong.folder / "w").exists()
