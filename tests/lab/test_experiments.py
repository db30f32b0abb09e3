"""The Python API does what the commands do: the same checks, cache, results and errors."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import djsb
from djsb.config.reader import read_experiment
from djsb.lab.events import EventListener
from djsb_core.errors import ConfigError, JobError, JobsError, RequestError

KEY = "evaluation_job_configs.1.extra_configs"
ECHO = {
    "work_dir": "w",
    "execution_job_configs": [{"hook": "Echo", "meta_name": "j", "extra_configs": {"text": "a"}}],
}
TEXT = "execution_job_configs.0.extra_configs.text"
FAILS = {"execution_job_configs.0.extra_configs.mode": "raise"}


def experiment():
    return yaml.safe_load(Path("sandbox.yaml").read_text())


def test_a_run(lab):
    run = djsb.run("sandbox.yaml", workers=0)
    assert isinstance(run, djsb.Run)
    assert (run.status, run.error, run.work_dir) == (
        "finished", None, lab.folder / "outputs" / "lab",
    )  # fmt: skip
    assert set(run.jobs["status"]) == {"finished"}
    assert run.results.loc[("anonymous", 1), "eval_data.mean_len"] == 7.0
    assert run.metrics.query("metric == 'loss'")["value"].tolist() == [1.0, 1 / 2, 1 / 3]
    assert run.outputs("train_model")["model_path"] == str(
        run.folder / "04-train_model" / "files" / "model"
    )
    assert djsb.open_run().id == run.id


@pytest.mark.parametrize("workers", [0, None])
def test_a_run_that_is_done_twice_comes_from_the_cache(lab, workers):
    lab.djsb("run", "sandbox.yaml")
    first = djsb.run("sandbox.yaml", workers=workers)
    assert set(first.jobs["status"]) == {"cached"}
    assert set(djsb.run(experiment(), workers=workers).jobs["status"]) == {"cached"}
    assert "finished" in set(djsb.run("sandbox.yaml", workers=workers, force=True).jobs["status"])
    assert len(djsb.runs()) == 4


@pytest.mark.parametrize(
    "given_as",
    [
        str,
        Path,
        lambda path: yaml.safe_load(Path(path).read_text()),
        lambda path: read_experiment(Path(path)),
        lambda path: djsb.plan(path).experiment,
    ],
    ids=["text", "path", "mapping", "experiment", "planned"],
)
def test_an_experiment_is_a_file_a_mapping_or_what_was_read(lab, given_as):
    overrides = {"work_dir": "w", f"{KEY}.dataset_path": "data.jsonl"}
    run = djsb.run(given_as("sandbox.yaml"), overrides, workers=0)
    assert run.work_dir == lab.folder / "w"
    assert run.query("eval_before.mean_len") == 4.0


def test_overrides_are_values(lab):
    for value in ("1e3", "true", "a: b", "", "[1]"):  # no YAML: each stays a text
        assert djsb.run(ECHO, {TEXT: value}, workers=0).outputs("j") == {"text": value}
    assert ECHO["execution_job_configs"][0]["extra_configs"] == {"text": "a"}
    (problem,) = djsb.validate(ECHO, {TEXT: 3})
    assert "should be a valid string, not 3" in str(problem)


def test_paths_and_tuples_are_plain_values_of_an_experiment(lab):
    value = djsb.plan(ECHO, {"work_dir": Path("there"), TEXT: "b"}).experiment.document.value
    assert value["work_dir"] == "there"


KEYS = st.sampled_from(["text", "number", "note", "deep.er", "list"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text("ab: #'\n[]{}", max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner),
    max_leaves=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=KEYS, value=VALUES)
def test_an_override_is_what_the_command_line_would_make_of_it(lab, key, value):
    path = f"execution_job_configs.0.extra_configs.{key}"
    lab.write("echo.yaml", yaml.safe_dump(ECHO))
    by_text = read_experiment(Path("echo.yaml"), [f"{path}={json.dumps(value)}"])
    by_value = read_experiment(Path("echo.yaml"), {path: value})
    assert by_value.document.value == by_text.document.value
    assert by_value.jobs[0].local == by_text.jobs[0].local


# -- problems --------------------------------------------------------------------------------------


def test_problems_are_those_of_the_command(lab):
    lab.write("sandbox.yaml", lab.echo("txt: a", "number: many"))
    problems = djsb.validate("sandbox.yaml")
    assert [str(problem) for problem in problems] == lab.problems()
    said = lab.djsb("validate", "sandbox.yaml").stderr
    assert all(str(problem) in said for problem in problems)
    with pytest.raises(ConfigError) as caught:
        djsb.run("sandbox.yaml")
    assert list(caught.value.problems) == problems
    assert not (lab.folder / "w").exists()


def test_a_valid_experiment_has_no_problems(lab):
    assert djsb.validate("sandbox.yaml") == []
    assert djsb.validate(ECHO) == []


def test_problems_of_a_mapping_have_no_line(lab):
    (problem,) = djsb.validate(ECHO, {"execution_job_configs.0.extra_configs.txt": 1})
    assert str(problem).startswith("overrides.execution_job_configs.0.extra_configs.txt: ")
    (problem,) = djsb.validate({"work_dir": "w"})
    assert str(problem).startswith("<mapping>: no job to run")


def test_what_cannot_be_read_is_a_problem_too(lab):
    (problem,) = djsb.validate("nowhere.yaml")
    assert "nowhere.yaml: cannot be read" in str(problem)
    endless = {"a": {}}
    endless["a"]["b"] = endless
    (problem,) = djsb.validate(endless)
    assert "contains itself" in str(problem)


def test_an_override_of_nothing_is_a_problem(lab):
    (problem,) = djsb.validate(ECHO, {"execution_job_configs.7.extra_configs.text": 1})
    assert "no key or index '7'" in str(problem)


def test_the_preflight_is_that_of_the_command(lab, monkeypatch):
    monkeypatch.setenv("DJSB_CACHE_DIR", "/proc/nothing")
    with pytest.raises(RequestError, match="To run anyway: preflight=False"):
        djsb.run(ECHO)
    assert "To run anyway: --no-preflight" in lab_run_error(lab)


def lab_run_error(lab):
    lab.write("sandbox.yaml", lab.echo("text: a"))
    return lab.djsb("run", "sandbox.yaml").stderr


# -- failures --------------------------------------------------------------------------------------


def test_a_failed_job_raises_the_error_that_the_command_shows(lab):
    with pytest.raises(
        JobError, match=r"^job 'j' failed: ValueError: it broke\n  its log: "
    ) as caught:
        djsb.run(ECHO, FAILS)
    run = caught.value.run
    assert (run.status, run.jobs["status"].tolist()) == ("failed", ["failed"])
    assert run.error == str(caught.value)
    assert run.id == djsb.open_run("last", "w").id


def test_without_the_check_the_failed_run_is_returned(lab):
    run = djsb.run(ECHO, FAILS, check=False)
    assert run.status == "failed"
    assert "its log: " in run.error


def test_several_failures_are_one_error(lab):
    job = {"hook": "Echo", "meta_name": "j", "extra_configs": {"mode": "raise"}}
    pipelines = [{name: {"execution_job_configs": [job]}} for name in ("one", "two")]
    with pytest.raises(JobsError, match="2 jobs failed") as caught:
        djsb.run({"work_dir": "w", "pipelines": pipelines}, keep_going=True)
    assert len(caught.value.run.jobs) == 2


def test_a_session_has_its_own_workers(lab):
    with djsb.Session(0) as session, pytest.raises(ValueError, match="session has its own"):
        djsb.run(ECHO, session=session, workers=1)


# -- progress --------------------------------------------------------------------------------------


def test_progress_is_told_to_a_callback(lab):
    events = []
    run = djsb.run("sandbox.yaml", workers=0, on_progress=events.append)
    kinds = [event.kind for event in events]
    assert (kinds[0], kinds[-1]) == (djsb.EventKind.RUN_STARTED, djsb.EventKind.RUN_FINISHED)
    started = [event.job.meta_name for event in events if event.kind == "job_started"]
    finished = [event for event in events if event.kind == "job_finished"]
    assert started == [event.job.meta_name for event in finished] == run.jobs["job"].tolist()
    assert not any(event.cached for event in finished)
    losses = [event for event in events if event.name == "train_model.loss"]
    assert [(event.step, event.value) for event in losses] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert {event.run_id for event in events} == {run.id}


def test_a_failure_is_told_too(lab):
    events = []
    djsb.run(ECHO, FAILS, workers=0, on_progress=events.append, check=False)
    assert [event.kind for event in events] == [
        "run_started", "job_started", "job_failed", "run_failed",
    ]  # fmt: skip
    assert "its log: " in events[-1].text


def test_a_callback_that_raises_changes_nothing(lab, caplog):
    calls = []

    def show(event):
        calls.append(event)
        raise ValueError("no screen")

    assert djsb.run(ECHO, workers=0, on_progress=show).status == "finished"
    assert len(calls) == 1
    (warning,) = [one.getMessage() for one in caplog.records]
    place = f"{__file__}:{show.__code__.co_firstlineno + 2}"
    assert (
        warning
        == f"dropped listener 'on_progress': djsb_run_started: ValueError: no screen ({place})"
    )


def test_a_callback_that_raises_on_a_warning_changes_nothing(lab, caplog):
    def show(event):
        raise ValueError("no screen")

    listener = EventListener(show)
    listener.warn("one")
    listener.warn("two")
    (warning,) = [one.getMessage() for one in caplog.records]
    assert warning.startswith("dropped listener 'on_progress': warning: ValueError: no screen (")


def test_a_callback_is_callable(lab):
    with pytest.raises(TypeError, match="on_progress: needs a function of one event, not 3"):
        djsb.run(ECHO, workers=0, on_progress=3)


EARS = """
from djsb_core.api import ComponentConfig, DataEvaluator, hookimpl

class Ears(DataEvaluator):
    config_type = ComponentConfig

    def evaluate(self):
        return {"ears": 2.0}

@hookimpl
def djsb_job_started(job, more): pass
"""


def test_a_broken_listener_is_announced_once(lab, install, caplog):
    entries = "[djsb.data_evaluators]\nears = earpkg:Ears\n[djsb.listeners]\near = earpkg\n"
    install("earpkg", EARS, entries)
    job = {"hook": "EvaluateDataHook", "extra_configs": {"type": "ears"}}
    djsb.run({"work_dir": "w", "evaluation_job_configs": [job]}, workers=0)
    (warning,) = [one.getMessage() for one in caplog.records if "earpkg" in one.getMessage()]
    assert "djsb_job_started takes more; its hookspec has only: job" in warning


# -- where it runs ---------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 1])
def test_it_runs_inside_an_event_loop_as_in_a_notebook(lab, workers):
    async def cell():
        asyncio.get_running_loop()
        return djsb.run(ECHO, {TEXT: "loop"}, workers=workers)

    assert asyncio.run(cell()).status == "finished"


def test_it_runs_in_a_thread_while_the_event_loop_goes_on(lab):
    async def cell():
        run = asyncio.create_task(asyncio.to_thread(djsb.run, ECHO))
        turns = 0
        while not run.done():
            await asyncio.sleep(0.01)
            turns += 1
        return (await run).status, turns

    status, turns = asyncio.run(cell())
    assert status == "finished"
    assert turns > 1


def test_in_a_thread_the_handlers_of_the_process_stay(lab):
    seen = []

    def look(event):
        seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=djsb.run, args=(ECHO,), kwargs={"on_progress": look})
    thread.start()
    thread.join()
    assert set(seen) == {before}


HANDLERS = """
import signal, djsb
def mine(number, frame): pass
signal.signal(signal.SIGINT, mine)
signal.signal(signal.SIGTERM, mine)
seen = []
def look(event): seen.extend(map(signal.getsignal, (signal.SIGINT, signal.SIGTERM)))
run = djsb.run("sandbox.yaml", on_progress=look)
assert run.status == "finished", run
assert set(seen) == {mine}, seen
assert signal.getsignal(signal.SIGINT) is mine
print("mine")
"""


def test_handlers_of_the_process_stay(lab):
    ran = subprocess.run(
        [sys.executable, "-c", HANDLERS],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
        check=False,
    )
    assert ran.stdout == "mine\n", ran.stderr


# -- what a run has --------------------------------------------------------------------------------


def test_changes_and_comparisons(lab):
    old = djsb.run("sandbox.yaml", workers=0)
    (change,) = old.comparison.query("metric == 'mean_len'").to_dict("records")
    assert (change["before"], change["after"]) == ("eval_before", "eval_data")
    assert (change["first"], change["value"], change["difference"]) == (4.0, 7.0, 3.0)
    parts = old.compare(f"{old.id}:eval_data", part="eval_before")
    (row,) = parts.query("metric == 'mean_len'").to_dict("records")
    assert (row["first"], row["value"], row["difference"]) == (4.0, 7.0, 3.0)
    lab.write("data.jsonl", '{"text": "xx"}\n{"text": "xxxx"}\n')
    new = djsb.run("sandbox.yaml", workers=0)
    frame = old.compare(new)
    (row,) = frame.query("job == 'eval_before' and metric == 'mean_len'").to_dict("records")
    assert (row["first"], row["value"]) == (4.0, 3.0)
    assert frame.drop(columns="side").equals(old.compare("last").drop(columns="side"))
    with pytest.raises(RequestError, match="no run 'nothing'"):
        new.compare("nothing")
