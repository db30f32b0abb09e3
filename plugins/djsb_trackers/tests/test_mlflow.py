"""What mlflow's own client reads in a store that the real library wrote."""

import pytest

from djsb import SandboxWatcher

from .conftest import MIXED, same

pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")


@pytest.fixture
def client(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    return MlflowClient((tmp_path / "mlruns").as_uri())


def find(client, project="a project"):
    experiment = client.get_experiment_by_name(project)
    return client.search_runs([experiment.experiment_id])


def test_every_metric_is_there(two_pipelines, client):
    run = two_pipelines.run("mlflow")
    (found,) = find(client)
    assert (found.info.run_name, found.info.status) == ("an experiment", "FINISHED")
    series, results = two_pipelines.stored(run)
    for name, values in series.items():
        if isinstance(values[0][1], str):
            assert found.data.tags[name] == values[-1][1]
            continue
        history = client.get_metric_history(found.info.run_id, name)
        assert same(sorted((m.step, m.value) for m in history), sorted(values)), name
    for name, value in results.items():
        if isinstance(value, str):
            assert found.data.tags[name] == value
        else:
            plain = name.replace("%", "_")
            history = client.get_metric_history(found.info.run_id, plain)
            assert any(same(m.value, value) and m.step == 0 for m in history), name
    assert found.data.tags["run/status"] == "finished"
    assert found.data.tags["jobs/iter_2/long/train.status"] == "cached"


def test_settings_files_and_the_end(lab, client, image):
    many = {"points": MIXED["points"], "media": [str(image)], "histogram": list(range(300))}
    lab.write(("look", {**many, "api_key": "sk-12345678", "act": "raise"}))
    lab.run("mlflow")
    (found,) = find(client)
    assert found.info.status == "FAILED"
    prefix = "execution_job_configs.0.extra_configs"
    assert found.data.params[f"{prefix}.api_key"] == "***"
    assert found.data.params[f"{prefix}.histogram.299"] == "299"
    shown = client.list_artifacts(found.info.run_id, "look.shown/0")
    assert [one.path for one in shown] == ["look.shown/0/picture.png"]
    assert len(client.list_artifacts(found.info.run_id, "look.spread")) == 1
    lab.write(("look", {**many, "act": "interrupt"}))
    lab.run("mlflow")
    assert {one.info.status for one in find(client)} == {"FAILED", "KILLED"}


def test_the_sweep_is_a_tag(lab, client):
    lab.write(("train", MIXED))
    lab.run("mlflow", sweep=lab.sweep("rates"))
    assert find(client)[0].data.tags["run/sweep"] == "rates"


def test_it_must_be_said_where(lab, caplog):
    lab.write(("train", MIXED))
    assert lab.run("mlflow").status == "finished"
    (record,) = caplog.records
    assert "MLFLOW_TRACKING_URI is not set" in record.getMessage()


def test_settings_that_a_script_gives_late(client, monkeypatch):
    monkeypatch.setenv("DJSB_TRACKERS", "mlflow")
    with SandboxWatcher("w", "a project", "own") as watcher:
        watcher.watch_cfgs([({"lr": 0.1, "steps": 3}, "train")])
        watcher.watch(0.5, "train.loss")
        watcher.watch_cfgs([({"lr": 0.2, "steps": 3, "late": [1, 2]}, "train")])
    (found,) = find(client)
    late = {f"train.late.{i}": str(i + 1) for i in range(2)}
    given = {k: v for k, v in found.data.params.items() if k.startswith("train.")}
    assert given == {"train.lr": "0.1", "train.steps": "3", **late}
    assert found.data.tags["train.lr"] == "0.2"
    assert "train.steps" not in found.data.tags
