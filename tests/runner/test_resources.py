"""What the jobs of a run get of the machine, from the key ``resources`` or from its component."""

import threading
from itertools import pairwise

import pytest

from djsb.planner.preflight import preflight
from djsb.runner.session import Session
from djsb_core.discovery import load_component
from djsb_core.errors import JobError, RequestError
from djsb_core.interfaces.kinds import Kind
from djsb_core.interfaces.resources import Resources

ENTRY_POINTS = "[djsb.hooks]\nSee = seeing:See\nTrains = seeing:Trains"
SEEING = """
    import os
    import time
    from djsb_core.api import ComponentConfig, Hook, Resources
    from pydantic import Field

    class SeeConfig(ComponentConfig):
        seconds: float = Field(0.0, description="How long it takes.")

    class See(Hook[SeeConfig, object]):
        config_type = SeeConfig
        output_names = ("gpus", "threads", "pid", "times")

        def run(self, context):
            begin = time.time()
            time.sleep(self.config.seconds)
            names = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
            found = [os.environ.get(name) for name in names]
            return (*found, os.getpid(), [begin, time.time()])

    class Trains(See):
        resources = Resources(gpus=1)
"""


@pytest.fixture
def seeing(lab, install, monkeypatch):
    """A lab on a machine with four CPUs and two GPUs."""
    install("seeing", SEEING, ENTRY_POINTS)
    monkeypatch.setenv("PYTHONPATH", str(lab.folder.parent / "site-packages"))
    for name in ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    # Of the class in use: a test before may have imported the module again.
    names = load_component(Kind.PLACEMENT, "local").capacity.__globals__
    monkeypatch.setitem(names, "machine_capacity", lambda: Resources(4, 0, 2**30))
    monkeypatch.setitem(names, "list_gpus", lambda: ("0", "1"))
    return lab


def jobs(*keys, seconds=0):
    """Write an experiment of one pipeline for each job."""
    return "work_dir: w\npipelines:\n" + "".join(
        f"  p{i}:\n    execution_job_configs:\n"
        f"    - {{meta_name: j{i}, cache: false, extra_configs: {{seconds: {seconds}}}, {key}}}\n"
        for i, key in enumerate(keys)
    )


def outputs(lab, run):
    return [job.outputs for job in lab.jobs(run).values()]


def seen(lab, run):
    return [one["gpus"] for one in outputs(lab, run)]


@pytest.mark.parametrize("workers", [0, 1])
def test_without_claims_all_is_as_it_was(seeing, workers):
    run = seeing.run(jobs("hook: See"), workers=workers)
    (found,) = outputs(seeing, run)
    assert (found["gpus"], found["threads"]) == (None, None)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_claimed_gpu_is_seen_by_its_job_alone(seeing, workers):
    claims = "hook: See, resources: {gpus: 1}", "hook: See", "hook: See, resources: {gpus: 2}"
    assert seen(seeing, seeing.run(jobs(*claims), workers=workers))[1:] == ["", "0,1"]


def test_a_job_that_claims_no_gpu_sees_none(seeing):
    run = seeing.run(jobs("hook: See, resources: {gpus: 0}"), workers=1)
    assert seen(seeing, run) == [""]


def test_stated_cpus_are_threads(seeing):
    run = seeing.run(jobs("hook: See, resources: {cpus: 3}"), workers=1)
    (found,) = outputs(seeing, run)
    assert (found["gpus"], found["threads"]) == (None, "3")


def test_jobs_side_by_side_have_gpus_of_their_own(seeing):
    text = jobs(*["hook: See, resources: {gpus: 1, cpus: 0.5}"] * 4, seconds=0.3)
    found = outputs(seeing, seeing.run(text, workers=4))
    for one in found:
        begin, end = one["times"]
        beside = [other for other in found if other["times"][0] < end and begin < other["times"][1]]
        assert len({other["gpus"] for other in beside}) == len(beside) <= 2


def test_shares_of_a_gpu_meet(seeing):
    run = seeing.run(jobs(*["hook: See, resources: {gpus: 0.5}"] * 2, seconds=0.5), workers=2)
    assert seen(seeing, run) == ["0", "0"]


def test_jobs_wait_for_memory(seeing):
    text = jobs(*["hook: See, resources: {memory: 600 MiB}"] * 3, seconds=0.2)
    times = sorted(tuple(one["times"]) for one in outputs(seeing, seeing.run(text, workers=3)))
    assert all(end <= begin for (_, end), (begin, _) in pairwise(times))


def test_a_component_may_want_a_gpu_if_there_is_one(seeing, monkeypatch):
    text = jobs("hook: Trains", "hook: Trains, resources: {gpus: 0}")
    assert seen(seeing, seeing.run(text, workers=1)) == ["0", ""]
    names = load_component(Kind.PLACEMENT, "local").capacity.__globals__
    monkeypatch.setitem(names, "list_gpus", lambda: ())
    assert seen(seeing, seeing.run(text, workers=1)) == ["", ""]


MEMORY = "asks for 2.0 GiB of memory, this machine has 1.0 GiB"
TOO_MUCH = "hook: See, resources: {gpus: 3, memory: 2 GiB}"


def test_what_the_machine_does_not_have_is_found_before_the_run(seeing):
    plan = seeing.plan(jobs("hook: See", TOO_MUCH))
    problems = [check.sentence for check in preflight(plan) if not check.ok and check.required]
    assert problems == [
        "sandbox.yaml:8: resources.gpus of 'j1': asks for 3 GPUs, this machine has 2",
        f"sandbox.yaml:8: resources.memory of 'j1': {MEMORY}",
    ]


def test_without_preflight_the_job_fails_and_nothing_waits(seeing):
    thread_count = threading.active_count()
    with pytest.raises(JobError, match="'j0' failed: asks for 3 GPUs, this machine has 2"):
        seeing.run(jobs("hook: See, resources: {gpus: 3}"), workers=2)
    assert threading.active_count() <= thread_count


def test_resources_do_not_decide_the_result(seeing):
    text = jobs("hook: See").replace("cache: false, ", "")
    first = seeing.run(text, workers=1)
    again = seeing.run(text.replace("hook: See", "hook: See, resources: {gpus: 1}"), workers=1)
    assert (seeing.statuses(first), seeing.statuses(again)) == (["finished"], ["cached"])


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("lokal", "unknown placement 'lokal'; did you mean 'local'?"),
        ("local:head:6379", "placement local:head:6379: the local placement takes no address"),
    ],
)
def test_a_placement_that_is_not_there(seeing, choice, message):
    with pytest.raises(RequestError) as caught:
        Session(1, seeing.listeners, placement=choice)
    assert str(caught.value) == message
    seeing.write("sandbox.yaml", jobs("hook: See"))
    ran = seeing.djsb("run", "sandbox.yaml", "--on", choice)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert message in ran.stderr


def test_a_placement_is_chosen_by_name(seeing):
    assert seeing.djsb("run", "sandbox.yaml", "--on", "local").returncode == 0
