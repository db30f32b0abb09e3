"""A job as plain data, and how it is performed."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from djsb_core.errors import ComponentError
from djsb_core.identity import JobId
from djsb_core.interfaces.component import SilentWatcher
from djsb_core.job.perform import load_slot, perform
from djsb_core.job.request import JobRequest


@pytest.fixture
def order(lab):
    """Return a function that makes the order of an ``Echo`` job."""

    def make(**values):
        base = {
            "hook": "Echo",
            "component": None,
            "dj_configs": None,
            "extra_configs": {"text": "x"},
            "id": JobId("p", "execution", 3, "j", 2),
            "folder": lab.folder / "w",
            "log": lab.folder / "log.txt",
            "lookup": (lab.folder, Path("/other")),
            "outputs": {lab.folder / "out.txt": lab.folder / "made.txt"},
            "placed": {lab.folder / "early.txt": lab.folder / "data.jsonl"},
            "metrics": {"probe": {"score": 1.0}},
            "output_names": ("text",),
        }
        return JobRequest(**(base | values))

    return make


def test_an_order_goes_through_json_unchanged(order):
    one = order()
    sent = json.loads(json.dumps(one.to_json()))
    again = JobRequest.from_json(sent)
    assert again == one
    assert {key: type(value) for key, value in asdict(again).items()} == {
        key: type(value) for key, value in asdict(one).items()
    }


def test_results_of_earlier_jobs_keep_their_order(order):
    placed = {Path(f"/{name}"): Path("/x") for name in "zab"}
    sent = json.loads(json.dumps(order(placed=placed).to_json()))
    assert list(JobRequest.from_json(sent).placed) == list(placed)


def test_a_job_returns_plain_values_by_name(order, lab):
    assert perform(order(), SilentWatcher()) == {"text": "x"}
    job = order(extra_configs={"text": "y", "out": "out.txt"})
    assert perform(job, SilentWatcher()) == {"text": str(lab.folder / "made.txt")}
    assert Path("made.txt").read_text() == "y"
    assert not Path("out.txt").exists()


def test_a_job_reads_what_an_earlier_one_made(order):
    found = perform(order(extra_configs={"file": "early.txt"}), SilentWatcher())
    assert found["text"] == Path("data.jsonl").read_text()


def test_a_job_has_its_component(order):
    settings = {"type": "lab_findings", "found": (1, 2)}
    names = {"hook": "GeneralProbeHook", "component": "lab_findings", "output_names": ("output",)}
    assert perform(order(extra_configs=settings, **names), SilentWatcher()) == {"output": [1, 2]}


def test_the_number_of_outputs_must_fit(order):
    with pytest.raises(ComponentError, match="Echo returned 1 value for 2 names a, b"):
        perform(order(output_names=("a", "b")), SilentWatcher())


def test_a_hook_may_ask_for_metrics(order):
    names = {"hook": "Ask", "output_names": ("metrics",)}
    found = perform(order(extra_configs={"text": "probe"}, **names), SilentWatcher())
    assert found == {"metrics": {"score": 1.0}}
    with pytest.raises(KeyError, match="no earlier job 'later'"):
        perform(order(extra_configs={"text": "later"}, **names), SilentWatcher())


@pytest.mark.usefixtures("lab")
def test_a_hook_that_works_alone_has_no_component():
    from djsb_core.discovery import load_component
    from djsb_core.interfaces.kinds import Kind

    alone, probe = (load_component(Kind.HOOK, name) for name in ("Echo", "GeneralProbeHook"))
    assert load_slot(alone, "lab_findings") is None
    assert load_slot(probe, None) is None
    assert load_slot(probe, "lab_findings").__name__ == "Findings"
