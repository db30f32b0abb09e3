"""What one job measures: kept in the store, told to the listeners, forgotten with its attempt."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from djsb.runner.recorder import RunRecorder
from djsb.store.store import Store
from djsb_core.hookspecs import JobInfo
from djsb_core.identity import JobId
from djsb_core.job.reports import Artifact, ArtifactKind, Point
from djsb_core.masking import Masker

POINTS = [Point("loss", 2.0, 0, 0.1), Point("loss", 1.0, 1, 0.2), Point("", "text", None, 0.3)]


@pytest.fixture
def told():
    return []


@pytest.fixture
def recorder(tmp_path, told):
    with closing(Store(tmp_path)) as store:
        run = store.add_run(names=("p", "e"), experiment=Path("x"), settings={})
        info = JobInfo(run.id, JobId("p", "probe", 0, "j"), "H", None, tmp_path)

        def tell(moment, **told_of):
            told.append((moment, told_of))

        yield RunRecorder(store, run, Masker(), tell).job(info)


def samples(tmp_path):
    path = tmp_path / "samples.json"
    path.write_text('{"values": [1.0, 2.0], "weights": null}')
    return Artifact("loss", ArtifactKind.SAMPLES, None, path)


def entry(tmp_path):
    one = samples(tmp_path)
    return SimpleNamespace(
        points=[[p.name, p.value, p.step, p.seconds] for p in POINTS],
        artifacts=[(one.name, one.kind.value, one.step, one.path)],
        run_id="earlier",
        seconds=7.0,
        folder=tmp_path,
    )


def test_values_are_kept_and_told(recorder, told):
    recorder.points(POINTS[:1])
    recorder.points(POINTS[1:])
    assert recorder.run.store.points(recorder.job_id) == recorder.recorded_points == POINTS
    assert {moment for moment, _ in told} == {"djsb_metric_logged"}
    assert [(one["name"], one["value"], one["step"], one["seconds"]) for _, one in told] == [
        ("j.loss", 2.0, 0, 0.1),
        ("j.loss", 1.0, 1, 0.2),
        ("j.", "text", None, 0.3),
    ]


def test_samples_are_kept(recorder, told, tmp_path):
    recorder.artifact(samples(tmp_path))
    assert recorder.artifacts == [samples(tmp_path)]
    assert recorder.run.store.samples(recorder.job_id)["loss"].values == [1.0, 2.0]
    ((moment, told_of),) = told
    assert (moment, told_of["name"], told_of["kind"]) == (
        "djsb_artifact_logged",
        "j.loss",
        "samples",
    )


def test_a_failed_attempt_is_forgotten(recorder, tmp_path):
    recorder.points(POINTS)
    recorder.artifact(samples(tmp_path))
    recorder.forget()
    store = recorder.run.store
    assert (store.points(recorder.job_id), store.samples(recorder.job_id)) == ([], {})
    assert (recorder.recorded_points, recorder.artifacts) == ([], [])
    recorder.points(POINTS[2:])
    assert store.points(recorder.job_id) == POINTS[2:]


@pytest.mark.parametrize("has_waited", [False, True])
def test_an_earlier_execution_is_recorded_whole(recorder, told, tmp_path, has_waited):
    waited, run = recorder if has_waited else None, recorder.run
    reused = run.reused_job(recorder.info, entry(tmp_path), waited, outputs={"a": 1})
    assert (reused.job_id == recorder.job_id) is has_waited
    store = run.store
    assert store.points(reused.job_id) == reused.recorded_points == POINTS
    assert list(store.samples(reused.job_id)) == ["loss"]
    job = store.jobs(run.record.id)[-1]
    assert (job.id, job.status, job.source_run, job.seconds, job.outputs) == (
        reused.job_id, "cached", "earlier", 7.0, {"a": 1},
    )  # fmt: skip
    assert [moment for moment, _ in told][-2:] == ["djsb_metric_logged", "djsb_artifact_logged"]
    assert len(told) == len(POINTS) + 1
